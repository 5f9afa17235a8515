// SPDX-License-Identifier: Apache-2.0
// What every call has in common: deadline, cancellation, retries, metadata, status.
#include <poll.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "client/client.h"
#include "support/status_matchers.h"
#include "unit/client/fake_containerd.h"

namespace vortex::client {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using vortex::testing::FakeContainerd;
using vortex::testing::IsOk;
using vortex::testing::StatusIs;
using Clock = std::chrono::steady_clock;

// Lets a test wait until a call has reached the server, and lets the call hang there until it is
// cancelled. The server's thread may still be in the call when the test's own frame is gone, so
// both own what they share.
class Gate {
 public:
  FakeContainerd::Behaviour HangUntilCancelled() {
    return [shared = shared_](grpc::ServerContext& context) {
      std::unique_lock lock(shared->mutex);
      shared->reached = true;
      shared->changed.notify_all();
      // gRPC's synchronous server has no event for it.
      while (!context.IsCancelled()) shared->changed.wait_for(lock, milliseconds(2));
      return grpc::Status::CANCELLED;
    };
  }
  void AwaitReached() {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait(lock, [this] { return shared_->reached; });
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    bool reached = false;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

FakeContainerd::Behaviour Fail(grpc::StatusCode code, const std::string& words,
                               int times = 1 << 30) {
  auto left = std::make_shared<std::atomic<int>>(times);
  return [=](grpc::ServerContext&) {
    return (*left)-- > 0 ? grpc::Status(code, words) : grpc::Status::OK;
  };
}

class CallsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VX_ASSERT_OK_AND_ASSIGN(
        client_, Client::Connect({.address = fake_.address(), .containerd_namespace = "ns"}));
  }
  FakeContainerd fake_;
  std::shared_ptr<Client> client_;
};

TEST_F(CallsTest, NamespaceAndLeaseAreSent) {
  EXPECT_THAT(client_->images().List({}, {.lease = "my-lease"}), IsOk());
  EXPECT_EQ(fake_.seen_namespace, "ns");
  EXPECT_EQ(fake_.seen_lease, "my-lease");
  EXPECT_THAT(client_->images().List(), IsOk());
  EXPECT_EQ(fake_.seen_lease, "");
}

TEST_F(CallsTest, ALeaseThatCannotBeSentIsRefusedHere) {
  for (const std::string bad : {"a\nb", "a b", "\x7f", "ä"})
    EXPECT_THAT(client_->images().List({}, {.lease = bad}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("list images: lease")));
  EXPECT_EQ(fake_.image_lists, 0);
}

TEST_F(CallsTest, StatusKeepsCodeAndWords) {
  for (int code = 1; code <= 16; ++code) {
    fake_.on_image_create = Fail(static_cast<grpc::StatusCode>(code), "containerd's words");
    EXPECT_THAT(
        client_->images().Create({.name = "busybox"}),
        StatusIs(static_cast<absl::StatusCode>(code),
                 AllOf(HasSubstr("create image busybox: "), HasSubstr("containerd's words"))));
  }
}

TEST_F(CallsTest, GosContextErrorsGetTheirProperCode) {
  fake_.on_image_create = Fail(grpc::StatusCode::UNKNOWN, "x: context deadline exceeded: unknown");
  EXPECT_THAT(client_->images().Create({.name = "i"}),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("the outcome is unknown")));
  fake_.on_image_create = Fail(grpc::StatusCode::UNKNOWN, "x: context canceled: unknown");
  EXPECT_THAT(client_->images().Create({.name = "i"}),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("cancelled")));
}

TEST_F(CallsTest, ReadsAreRepeatedOnUnavailable) {
  fake_.on_image_list = Fail(grpc::StatusCode::UNAVAILABLE, "starting", 3);
  const auto images = client_->images().List();
  ASSERT_THAT(images, IsOk());
  EXPECT_THAT(*images, SizeIs(1)) << "what failed attempts delivered is forgotten";
  EXPECT_EQ(fake_.image_lists, 4);
}

TEST_F(CallsTest, ReadsAreNotRepeatedForEver) {
  fake_.on_image_list = Fail(grpc::StatusCode::UNAVAILABLE, "never");
  EXPECT_THAT(client_->images().List(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("never")));
  EXPECT_EQ(fake_.image_lists, 8);
  fake_.image_lists = 0;
  EXPECT_THAT(client_->images().List({}, {.timeout = milliseconds(100)}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("never")));
  EXPECT_LT(fake_.image_lists, 5) << "not past the deadline";
}

TEST_F(CallsTest, ReadsAreNotRepeatedOnOtherErrors) {
  fake_.on_image_list = Fail(grpc::StatusCode::INTERNAL, "broken");
  EXPECT_THAT(client_->images().List(), StatusIs(absl::StatusCode::kInternal, HasSubstr("broken")));
  EXPECT_EQ(fake_.image_lists, 1);
}

TEST_F(CallsTest, ChangesAreNeverRepeated) {
  fake_.on_image_create = Fail(grpc::StatusCode::UNAVAILABLE, "starting", 1);
  EXPECT_THAT(client_->images().Create({.name = "i"}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("starting")));
  EXPECT_EQ(fake_.image_creates, 1);
}

TEST_F(CallsTest, ARetryPauseEndsWhenCancelled) {
  base::Cancellation cancel;
  fake_.on_image_list = [&](grpc::ServerContext&) {
    if (fake_.image_lists == 6) cancel.Cancel();  // the next pause is half a second long
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "never");
  };
  EXPECT_THAT(client_->images().List({}, {.cancel = &cancel}),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("list images")));
  EXPECT_EQ(fake_.image_lists, 6);
}

TEST_F(CallsTest, TheDeadlineEndsACall) {
  Gate gate;
  fake_.on_lease_create = gate.HangUntilCancelled();
  const auto before = Clock::now();
  EXPECT_THAT(
      client_->leases().Create("l", {}, {.timeout = milliseconds(100)}),
      StatusIs(absl::StatusCode::kDeadlineExceeded,
               HasSubstr("create lease l: no answer within 100 ms, the outcome is unknown")));
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(5));
}

TEST_F(CallsTest, AbsurdTimeoutsAreFine) {
  EXPECT_THAT(client_->images().List({}, {.timeout = milliseconds::max()}), IsOk());
  for (const auto timeout : {milliseconds(0), milliseconds(-1), milliseconds::min()})
    EXPECT_THAT(client_->images().List({}, {.timeout = timeout}),
                StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("list images")));
}

TEST_F(CallsTest, CancellationEndsACallInFlight) {
  Gate gate;
  fake_.on_lease_create = gate.HangUntilCancelled();
  base::Cancellation cancel;
  std::thread canceller([&] {
    gate.AwaitReached();
    cancel.Cancel();
  });
  EXPECT_THAT(
      client_->leases().Create("l", {}, {.timeout = std::chrono::seconds(30), .cancel = &cancel}),
      StatusIs(absl::StatusCode::kCancelled, HasSubstr("create lease l: cancelled")));
  canceller.join();
}

TEST_F(CallsTest, AConnectionThatDiesInACallIsUnavailable) {
  Gate gate;
  fake_.on_lease_create = gate.HangUntilCancelled();
  std::thread killer([&] {
    gate.AwaitReached();
    fake_.Stop();
  });
  EXPECT_FALSE(client_->leases().Create("l", {}, {.timeout = std::chrono::seconds(30)}).ok());
  killer.join();
  EXPECT_THAT(client_->leases().Create("l"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("create lease l")));
  fake_.on_lease_create = nullptr;
  fake_.Start();
  EXPECT_THAT(client_->leases().Create("l"), IsOk()) << "a change finds a restarted server at once";
}

TEST_F(CallsTest, BigAnswersArrive) {
  fake_.image_label_bytes = 20U << 20;
  const auto images = client_->images().List();
  ASSERT_THAT(images, IsOk());
  EXPECT_THAT(images->front().labels.at("big"), SizeIs(20U << 20));
  fake_.image_label_bytes = 65U << 20;
  EXPECT_THAT(client_->images().List(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("list images")));
}

TEST_F(CallsTest, APendingExitBecomesReadable) {
  const auto exit = client_->tasks().StartWait("c", "", {});
  pollfd fd{exit->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&fd, 1, 10'000), 1);
  const auto taken = exit->Take();
  ASSERT_THAT(taken, IsOk());
  EXPECT_EQ(taken->status, 9U);
}

TEST_F(CallsTest, APendingExitMayOutliveItsClient) {
  // gRPC's thread must not be the last to hold the channel; many rounds, as it is a race.
  for (int round = 0; round < 50; ++round) {
    VX_ASSERT_OK_AND_ASSIGN(auto client, Client::Connect({.address = fake_.address()}));
    auto exit = client->tasks().StartWait("c", "", {});
    client.reset();
    if (round % 2 == 0) {
      EXPECT_THAT(exit->Take(), IsOk());
    }
    exit.reset();
  }
}

TEST_F(CallsTest, APendingExitReportsABadLease) {
  const auto exit = client_->tasks().StartWait("c", "e", {.lease = "\n"});
  EXPECT_THAT(exit->Take(), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("wait for exec e of task c: lease")));
}

TEST_F(CallsTest, ASignalOutOfRangeIsRefusedHere) {
  for (const int signal : {-1, 0, 65})
    EXPECT_THAT(client_->tasks().Kill("c", "", signal, false),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("kill task c: signal")));
}

}  // namespace
}  // namespace vortex::client
