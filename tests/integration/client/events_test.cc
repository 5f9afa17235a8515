// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <mutex>

#include "integration/client/client_test_base.h"

namespace vortex::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Collects what a subscription tells, and lets a test wait for it.
class Listener {
 public:
  EventHandlers Handlers() {
    return {.on_event =
                [this](const Event& event) {
                  const std::lock_guard lock(mutex_);
                  events_.push_back(event);
                  changed_.notify_all();
                },
            .on_connected =
                [this] {
                  const std::lock_guard lock(mutex_);
                  ++connected_;
                  changed_.notify_all();
                },
            .on_disconnected =
                [this](const absl::Status& status) {
                  const std::lock_guard lock(mutex_);
                  broken_.push_back(status);
                  changed_.notify_all();
                }};
  }
  bool AwaitConnected(int times) {
    return Await([&] { return connected_ >= times; });
  }
  bool AwaitBroken() {
    return Await([&] { return !broken_.empty(); });
  }
  bool AwaitTopic(const std::string& topic) {
    return Await([&] { return !events_.empty() && events_.back().topic == topic; });
  }
  std::vector<Event> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  std::vector<std::string> topics() {
    std::vector<std::string> out;
    for (const Event& event : events()) out.push_back(event.topic);
    return out;
  }
  std::vector<absl::Status> broken() {
    const std::lock_guard lock(mutex_);
    return broken_;
  }

 private:
  bool Await(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), condition);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Event> events_;
  std::vector<absl::Status> broken_;
  int connected_ = 0;
};

using EventsTest = ClientTest;

TEST_F(EventsTest, ALifeIsToldInOrder) {
  Listener listener;
  const auto subscription =
      client_->events().Subscribe({"namespace==" + namespace_}, listener.Handlers());
  ASSERT_TRUE(listener.AwaitConnected(1));
  const std::string id = StartTask({"exit", "3"});
  ASSERT_THAT(client_->tasks().Wait(id, "", {.timeout = kLong}), IsOk());
  ASSERT_TRUE(listener.AwaitTopic("/tasks/exit"));
  ASSERT_THAT(client_->tasks().Delete(id), IsOk());
  ASSERT_TRUE(listener.AwaitTopic("/tasks/delete"));
  ASSERT_THAT(client_->containers().Delete(id), IsOk());
  ASSERT_TRUE(listener.AwaitTopic("/containers/delete"));
  EXPECT_THAT(listener.topics(), ElementsAre("/containers/create", "/tasks/create", "/tasks/start",
                                             "/tasks/exit", "/tasks/delete", "/containers/delete"));
  const Event exit = listener.events()[3];
  EXPECT_EQ(exit.event.type_url, "containerd.events.TaskExit");
  EXPECT_EQ(exit.containerd_namespace, namespace_);
  EXPECT_GT(exit.timestamp, std::chrono::system_clock::now() - kLong);
  EXPECT_THAT(listener.broken(), IsEmpty());
}

TEST_F(EventsTest, AfterOnConnectedNothingIsMissed) {
  // Were the subscription not registered when on_connected is called, some of these would be lost.
  for (int round = 0; round < 30; ++round) {
    Listener listener;
    const auto subscription =
        client_->events().Subscribe({"topic==\"/mine/now\""}, listener.Handlers());
    ASSERT_TRUE(listener.AwaitConnected(1));
    ASSERT_THAT(client_->events().Publish("/mine/now", {"google.protobuf.Empty", ""}), IsOk());
    ASSERT_TRUE(listener.AwaitTopic("/mine/now"));
    EXPECT_EQ(listener.events().size(), 1U);
  }
}

TEST_F(EventsTest, WithoutFiltersAllNamespacesAreHeardAndOurAnnouncementsAreNot) {
  Listener all, second;
  const auto subscription = client_->events().Subscribe({}, all.Handlers());
  ASSERT_TRUE(all.AwaitConnected(1));
  const auto another = client_->events().Subscribe({}, second.Handlers());
  ASSERT_TRUE(second.AwaitConnected(1));
  const auto other = Connect("other-" + namespace_);
  ASSERT_THAT(other->events().Publish("/from/another", {"google.protobuf.Empty", ""}), IsOk());
  ASSERT_TRUE(all.AwaitTopic("/from/another"));
  EXPECT_THAT(all.topics(), ElementsAre("/from/another"));
  EXPECT_EQ(all.events().front().containerd_namespace, "other-" + namespace_);
}

TEST_F(EventsTest, ASubscriptionSurvivesARestart) {
  Listener listener;
  const auto subscription =
      client_->events().Subscribe({"namespace==" + namespace_}, listener.Handlers());
  ASSERT_TRUE(listener.AwaitConnected(1));
  containerd().Kill9();
  ASSERT_TRUE(listener.AwaitBroken());
  EXPECT_THAT(listener.broken().front(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("subscribe to events")));
  ASSERT_THAT(containerd().Restart(), IsOk());
  ASSERT_TRUE(listener.AwaitConnected(2));
  ASSERT_THAT(client_->events().Publish("/after/restart", {"google.protobuf.Empty", ""}), IsOk());
  EXPECT_TRUE(listener.AwaitTopic("/after/restart"));
  EXPECT_EQ(listener.broken().size(), 1U) << "one outage, one call";
}

TEST_F(EventsTest, ABadFilterIsTold) {
  Listener listener;
  const auto subscription = client_->events().Subscribe({"=== no filter"}, listener.Handlers());
  ASSERT_TRUE(listener.AwaitBroken());
  EXPECT_THAT(
      listener.broken().front(),
      StatusIs(::testing::_, HasSubstr("subscribe to events: subscription error: failed parsing")));
}

TEST_F(EventsTest, DestroyingEndsItAtOnceAlsoWhileDisconnected) {
  Listener listener;
  auto subscription = client_->events().Subscribe({}, listener.Handlers());
  ASSERT_TRUE(listener.AwaitConnected(1));
  containerd().Kill9();
  ASSERT_TRUE(listener.AwaitBroken());
  const auto before = std::chrono::steady_clock::now();
  subscription.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
}

}  // namespace
}  // namespace vortex::client
