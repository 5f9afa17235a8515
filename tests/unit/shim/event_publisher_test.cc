// SPDX-License-Identifier: Apache-2.0
#include "shim/event_publisher.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "containerd/services/ttrpc/events/v1/events.pb.h"
#include "shim/socket_path.h"
#include "shim/ttrpc_server.h"

namespace vortex::shim {
namespace {

// A sink that is our own server, on the same loop.
class EventPublisherTest : public ::testing::Test {
 protected:
  EventPublisherTest() {
    char pattern[] = "/tmp/vortex-events-XXXXXX";
    dir_ = ::mkdtemp(pattern);
    path_ = dir_ + "/s";
  }
  ~EventPublisherTest() override {
    ::unlink(path_.c_str());
    ::rmdir(dir_.c_str());
  }

  // Listens, and takes and answers nothing: a containerd that is stopped.
  void StartFrozenSink() {
    ::unlink(path_.c_str());
    bool in_use = false;
    ASSERT_TRUE(ListenOrFind(path_, &listener_, &in_use).ok());
  }
  void StartSink() {
    StartFrozenSink();
    Thaw();
  }
  void Thaw() {
    sink_ = std::make_unique<TtrpcServer>(&loop_, std::move(listener_), [this](Call call) {
      containerd::services::events::ttrpc::v1::ForwardRequest request;
      ASSERT_TRUE(request.ParseFromString(call.payload));
      EXPECT_EQ(request.envelope().namespace_(), "ns");
      EXPECT_GT(request.envelope().timestamp().seconds(), 0);
      if (refusals_ > 0) {
        --refusals_;
        return sink_->Reply(call.id, Error(Code::kUnavailable, "busy"), "");
      }
      topics_.push_back(request.envelope().topic());
      if (!silent_) sink_->Reply(call.id, Ok(), "");
    });
  }
  void RunFor(std::chrono::milliseconds time) {
    const auto end = base::EventLoop::Clock::now() + time;
    while (base::EventLoop::Clock::now() < end) loop_.Turn(5);
  }
  void RunUntil(std::size_t count) {
    for (int i = 0; i < 100000 && topics_.size() < count; ++i) loop_.Turn(100);
  }

  base::EventLoop loop_;
  std::string dir_;
  std::string path_;
  std::vector<std::string> topics_;
  int refusals_ = 0;
  bool silent_ = false;
  base::UniqueFd listener_;
  std::unique_ptr<TtrpcServer> sink_;
};

TEST_F(EventPublisherTest, OrderSurvivesASinkThatComesLate) {
  EventPublisher events(&loop_, "unix://" + path_, "ns");
  std::vector<std::string> sent;
  for (int i = 0; i < 20; ++i) {
    sent.push_back("/t" + std::to_string(i));
    events.Publish(sent.back(), "T", "");
  }
  loop_.Turn(60);
  StartSink();
  RunUntil(20);
  EXPECT_EQ(topics_, sent);
  while (!events.idle()) loop_.Turn(100);
}

TEST_F(EventPublisherTest, ASinkThatRestartsInTheMiddleIsFoundAgain) {
  StartSink();
  EventPublisher events(&loop_, path_, "ns");
  events.Publish("/a", "T", "");
  RunUntil(1);
  sink_.reset();
  events.Publish("/b", "T", "");
  loop_.Turn(10);
  events.Publish("/c", "T", "");
  StartSink();
  RunUntil(3);
  EXPECT_EQ(topics_, (std::vector<std::string>{"/a", "/b", "/c"}));
}

TEST_F(EventPublisherTest, ARefusalIsTriedAgainAndGivenUpInTheEnd) {
  StartSink();
  refusals_ = 2;
  EventPublisher events(&loop_, path_, "ns");
  events.Publish("/a", "T", "");
  RunUntil(1);
  EXPECT_EQ(topics_.size(), 1U);
  refusals_ = 5;
  events.Publish("/never", "T", "");
  events.Publish("/b", "T", "");
  RunUntil(2);
  EXPECT_EQ(topics_.back(), "/b");
}

TEST_F(EventPublisherTest, FlushIsBoundedWhenNobodyListens) {
  EventPublisher events(&loop_, path_, "ns");
  events.Publish("/a", "T", "");
  bool done = false;
  events.Flush(std::chrono::milliseconds(20), [&] { done = true; });
  while (!done) loop_.Turn(100);
  EXPECT_FALSE(events.idle());
}

TEST_F(EventPublisherTest, WhenTheQueueOverflowsExitsStay) {
  EventPublisher events(&loop_, path_, "ns");
  for (int i = 0; i < 5000; ++i) {
    const bool exit = i % 10 == 0;
    events.Publish(exit ? "/exit" : "/other", exit ? "containerd.events.TaskExit" : "T", "");
  }
  StartSink();
  RunUntil(4096);
  EXPECT_EQ(topics_.size(), 4096U);
  EXPECT_EQ(std::count(topics_.begin(), topics_.end(), "/exit"), 500);
}

// A minute at a hundredth of its length: every pause of the publisher is a hundredth too.
constexpr int kTimes = 100;
constexpr std::chrono::milliseconds kMinute{60'000 / kTimes};

std::vector<std::string> Numbered(int count) {
  std::vector<std::string> topics;
  for (int i = 0; i < count; ++i) topics.push_back("/" + std::to_string(i));
  return topics;
}

TEST_F(EventPublisherTest, ASinkThatIsAwayForAMinuteGetsAllInOrderAndOnce) {
  EventPublisher events(&loop_, path_, "ns", EventPace().DividedBy(kTimes));
  for (int i = 0; i < 300; ++i) {
    events.Publish("/" + std::to_string(i), "t", "");
    if (i % 10 == 0) RunFor(kMinute / 30);
  }
  StartSink();
  RunUntil(300);
  RunFor(kMinute / 10);
  EXPECT_EQ(topics_, Numbered(300));
  EXPECT_TRUE(events.idle());
}

TEST_F(EventPublisherTest, ASinkThatIsStoppedForAMinuteGetsAllInOrderAndOnce) {
  StartFrozenSink();
  EventPublisher events(&loop_, path_, "ns", EventPace().DividedBy(kTimes));
  for (int i = 0; i < 300; ++i) {
    events.Publish("/" + std::to_string(i), "t", "");
    if (i % 10 == 0) RunFor(kMinute / 30);
  }
  Thaw();
  RunUntil(300);
  RunFor(kMinute / 10);
  EXPECT_EQ(topics_, Numbered(300));
  EXPECT_TRUE(events.idle());
}

TEST_F(EventPublisherTest, AnAnswerThatNeverComesIsNotWaitedForForEver) {
  silent_ = true;
  StartSink();
  EventPublisher events(&loop_, path_, "ns", EventPace().DividedBy(10'000));
  events.Publish("/0", "t", "");
  RunUntil(2);
  EXPECT_EQ(topics_, (std::vector<std::string>{"/0", "/0"}));
}

}  // namespace
}  // namespace vortex::shim
