// SPDX-License-Identifier: Apache-2.0
#include "base/task.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vortex::base {
namespace {

Task<int> Add(int a, int b) { co_return a + b; }

Task<void> Sum(int* out) {
  const int first = co_await Add(1, 2);
  *out = co_await Add(first, 10);
}

TEST(TaskTest, ValuesComeUpThroughTheAwaits) {
  int out = 0;
  Detach(Sum(&out));
  EXPECT_EQ(out, 13);
}

Task<void> WaitThenMark(Event* event, std::vector<std::string>* log) {
  co_await event->Wait();
  log->push_back("woken");
}

TEST(EventTest, WaitersGoOnFromTheLoopNotInsideSet) {
  EventLoop loop;
  Event event(&loop);
  std::vector<std::string> log;
  Detach(WaitThenMark(&event, &log));
  event.Set();
  log.push_back("set");
  loop.Turn(0);
  EXPECT_EQ(log, (std::vector<std::string>{"set", "woken"}));
  Detach(WaitThenMark(&event, &log));  // set already: at once
  EXPECT_EQ(log.size(), 3U);
}

Task<void> WaitBriefly(Event* event, int* result) {
  const bool in_time = co_await event->WaitFor(std::chrono::milliseconds(1));
  *result = in_time ? 1 : 0;
}

TEST(EventTest, TheLimitAndTheSwitchWakeOnlyOnce) {
  EventLoop loop;
  Event event(&loop);
  int result = -1;
  Detach(WaitBriefly(&event, &result));
  while (result < 0) loop.Turn(100);
  EXPECT_EQ(result, 0);
  event.Set();
  loop.Turn(0);
  EXPECT_EQ(result, 0);
}

Task<void> Hold(AsyncMutex* mutex, Event* release, int id, std::vector<int>* order) {
  const auto turn = co_await mutex->Lock();
  order->push_back(id);
  co_await release->Wait();
}

TEST(AsyncMutexTest, FirstComeFirstServed) {
  EventLoop loop;
  AsyncMutex mutex(&loop);
  Event release(&loop);
  std::vector<int> order;
  for (const int id : {1, 2, 3}) Detach(Hold(&mutex, &release, id, &order));
  loop.Turn(0);
  EXPECT_EQ(order, (std::vector<int>{1}));
  release.Set();
  while (order.size() < 3) loop.Turn(0);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

}  // namespace
}  // namespace vortex::base
