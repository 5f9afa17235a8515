// SPDX-License-Identifier: Apache-2.0
#include "base/cancellation.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <future>
#include <optional>
#include <thread>
#include <vector>

namespace vortex::base {
namespace {

bool Readable(int fd) {
  pollfd poll{fd, POLLIN, 0};
  return ::poll(&poll, 1, 0) == 1;
}

TEST(CancellationTest, IsPollableForEver) {
  Cancellation cancellation;
  EXPECT_FALSE(cancellation.cancelled());
  EXPECT_FALSE(Readable(cancellation.fd()));
  cancellation.Cancel();
  EXPECT_TRUE(cancellation.cancelled());
  EXPECT_TRUE(Readable(cancellation.fd()));
  EXPECT_TRUE(Readable(cancellation.fd()));
}

TEST(CancellationTest, CallsBackOnce) {
  Cancellation cancellation;
  int calls = 0;
  const auto guard = cancellation.OnCancel([&] { ++calls; });
  EXPECT_EQ(calls, 0);
  cancellation.Cancel();
  cancellation.Cancel();
  EXPECT_EQ(calls, 1);
}

TEST(CancellationTest, CallsBackAtOnceWhenItHasHappened) {
  Cancellation cancellation;
  cancellation.Cancel();
  int calls = 0;
  const auto guard = cancellation.OnCancel([&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(CancellationTest, NotOnceTheGuardIsGone) {
  Cancellation cancellation;
  int calls = 0;
  {
    const auto guard = cancellation.OnCancel([&] { ++calls; });
  }
  {
    auto guard = cancellation.OnCancel([&] { ++calls; });
    const auto moved = std::move(guard);
  }
  cancellation.Cancel();
  EXPECT_EQ(calls, 0);
}

TEST(CancellationTest, ACallbackMayDropItsOwnGuard) {
  Cancellation cancellation;
  int calls = 0;
  std::optional<Cancellation::Guard> guard;
  guard.emplace(cancellation.OnCancel([&] {
    ++calls;
    guard.reset();
  }));
  cancellation.Cancel();
  EXPECT_EQ(calls, 1);
}

// The call that a callback refers to must still be there while it runs.
TEST(CancellationTest, TheGuardWaitsForARunningCallback) {
  Cancellation cancellation;
  std::promise<void> entered, release;
  std::atomic<bool> finished = false;
  std::optional<Cancellation::Guard> guard;
  guard.emplace(cancellation.OnCancel([&] {
    entered.set_value();
    release.get_future().wait();
    finished = true;
  }));
  std::thread canceller([&] { cancellation.Cancel(); });
  entered.get_future().wait();
  auto dropped = std::async(std::launch::async, [&] {
    guard.reset();
    return finished.load();
  });
  release.set_value();
  EXPECT_TRUE(dropped.get());
  canceller.join();
}

TEST(CancellationTest, ManyThreads) {
  for (int round = 0; round < 50; ++round) {
    Cancellation cancellation;
    std::atomic<int> calls = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const auto guard = cancellation.OnCancel([&] { ++calls; });
        cancellation.Cancel();
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_GE(calls, 1);
    EXPECT_LE(calls, 4);
    EXPECT_TRUE(cancellation.cancelled());
  }
}

TEST(CancellationTest, APauseEndsEarlyWhenCancelled) {
  EXPECT_TRUE(Pause(std::chrono::milliseconds(1), nullptr));
  Cancellation cancellation;
  EXPECT_TRUE(Pause(std::chrono::milliseconds(1), &cancellation));
  cancellation.Cancel();
  EXPECT_FALSE(Pause(std::chrono::hours(24), &cancellation));
}

}  // namespace
}  // namespace vortex::base
