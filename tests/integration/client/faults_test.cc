// SPDX-License-Identifier: Apache-2.0
// What callers see when the other side dies, hangs or is told to stop.
#include <signal.h>

#include <thread>

#include "base/cancellation.h"
#include "integration/client/client_test_base.h"

namespace vortex::client {
namespace {

using Clock = std::chrono::steady_clock;

using FaultsTest = ClientTest;

TEST_F(FaultsTest, AWaitEndsAtItsDeadline) {
  const std::string id = StartTask({"hold"});
  const auto before = Clock::now();
  EXPECT_THAT(client_->tasks().Wait(id, "", {.timeout = std::chrono::milliseconds(200)}),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr("wait for task " + id + ": no answer within 200 ms")));
  EXPECT_GE(Clock::now() - before, std::chrono::milliseconds(190));
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(5));
}

TEST_F(FaultsTest, AWaitEndsWhenCancelled) {
  const std::string id = StartTask({"hold"});
  base::Cancellation cancel;
  const auto exit = client_->tasks().StartWait(id, "", {.timeout = kLong, .cancel = &cancel});
  const auto before = Clock::now();
  std::thread canceller([&] { cancel.Cancel(); });
  EXPECT_THAT(exit->Take(),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("wait for task " + id)));
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(5));
  canceller.join();
  // Once cancelled, for ever: the next call does not even start.
  EXPECT_THAT(client_->tasks().Get(id, "", {.cancel = &cancel}),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("get task " + id)));
}

TEST_F(FaultsTest, AnAbandonedWaitEndsInMilliseconds) {
  const std::string id = StartTask({"hold"});
  auto exit = client_->tasks().StartWait(id, "", {.timeout = kLong});
  const auto before = Clock::now();
  exit.reset();
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(1));
}

TEST_F(FaultsTest, ContainerdKilledInAWaitIsSeenSoonAndTheTaskIsFoundAgain) {
  const std::string id = StartTask({"hold"});
  const auto exit = client_->tasks().StartWait(id, "", {.timeout = kLong});
  // An answered call after it: the wait has reached containerd.
  ASSERT_THAT(client_->tasks().Get(id), IsOk());
  containerd().Kill9();
  const auto before = Clock::now();
  EXPECT_THAT(exit->Take(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("wait for task " + id)));
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(2));
  EXPECT_THAT(client_->tasks().Kill(id, "", SIGKILL, false),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("kill task " + id)));

  ASSERT_THAT(containerd().Restart(), IsOk());
  const auto found = client_->tasks().Get(id, "", {.timeout = kLong});
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->status, TaskStatus::kRunning);
  ASSERT_THAT(client_->tasks().Kill(id, "", SIGKILL, false), IsOk());
  EXPECT_EQ(client_->tasks().Wait(id, "", {.timeout = kLong})->status, 137U);
}

TEST_F(FaultsTest, AReadWaitsOutARestart) {
  containerd().Kill9();
  absl::StatusOr<std::vector<Image>> images;
  std::thread reader([&] { images = client_->images().List({}, {.timeout = kLong}); });
  EXPECT_THAT(containerd().Restart(), IsOk());
  reader.join();
  EXPECT_THAT(images, IsOk());
}

TEST_F(FaultsTest, AHangingContainerdCostsNoMoreThanTheDeadline) {
  containerd().Freeze();
  const auto before = Clock::now();
  EXPECT_THAT(client_->images().List({}, {.timeout = std::chrono::milliseconds(300)}),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("list images")));
  EXPECT_THAT(Client::Connect(
                  {.address = containerd().address(), .timeout = std::chrono::milliseconds(300)}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("does not answer")));
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(5));
  containerd().Thaw();
  EXPECT_THAT(client_->images().List({}, {.timeout = kLong}), IsOk());
}

TEST_F(FaultsTest, ManyThreadsAndTwoClientsAtOnce) {
  const auto second = Connect(namespace_);
  std::vector<std::thread> threads;
  for (int n = 0; n < 8; ++n) {
    threads.emplace_back([&, n] {
      Client& client = n % 2 == 0 ? *client_ : *second;
      for (int i = 0; i < 20; ++i) {
        const std::string id = "m-" + std::to_string(n) + "-" + std::to_string(i);
        EXPECT_THAT(client.leases().Create(id, {}, {.timeout = kLong}), IsOk());
        EXPECT_THAT(client.leases().Delete(id, false, {.timeout = kLong}), IsOk());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(*client_->leases().List(), ::testing::SizeIs(1)) << "the test's own";
}

}  // namespace
}  // namespace vortex::client
