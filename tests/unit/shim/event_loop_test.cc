// SPDX-License-Identifier: Apache-2.0
#include "base/event_loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <vector>

namespace vortex::base {
namespace {

UniqueFd Counter(unsigned value) { return UniqueFd(::eventfd(value, EFD_CLOEXEC | EFD_NONBLOCK)); }

TEST(EventLoopTest, CallsBackWhileReadable) {
  EventLoop loop;
  const UniqueFd fd = Counter(1);
  int calls = 0;
  auto watch = loop.Add(fd.get(), EPOLLIN, [&](std::uint32_t) { ++calls; });
  loop.Turn(0);
  loop.Turn(0);
  EXPECT_EQ(calls, 2);
  watch.Reset();
  loop.Turn(0);
  EXPECT_EQ(calls, 2);
}

TEST(EventLoopTest, ACallbackMayEndItsOwnWatchAndAnothers) {
  EventLoop loop;
  const UniqueFd one = Counter(1);
  const UniqueFd two = Counter(1);
  EventLoop::Watch first;
  EventLoop::Watch second;
  int calls = 0;
  const auto end_both = [&](std::uint32_t) {
    ++calls;
    first.Reset();
    second.Reset();
  };
  first = loop.Add(one.get(), EPOLLIN, end_both);
  second = loop.Add(two.get(), EPOLLIN, end_both);
  loop.Turn(0);
  EXPECT_EQ(calls, 1);
}

TEST(EventLoopTest, TimersRunInOrderAndCanBeTakenBack) {
  EventLoop loop;
  std::vector<int> order;
  auto late = loop.After(std::chrono::milliseconds(2), [&] { order.push_back(2); });
  auto early = loop.After(std::chrono::milliseconds(1), [&] { order.push_back(1); });
  auto never = loop.After(std::chrono::milliseconds(0), [&] { order.push_back(0); });
  never.Reset();
  while (order.size() < 2) loop.Turn(100);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(EventLoopTest, PostedCallsDoNotStarveDescriptors) {
  EventLoop loop;
  const UniqueFd fd = Counter(1);
  bool seen = false;
  auto watch = loop.Add(fd.get(), EPOLLIN, [&](std::uint32_t) {
    seen = true;
    loop.Stop();
  });
  std::function<void()> again = [&] { loop.Post(again); };
  loop.Post(again);
  loop.Run();
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace vortex::base
