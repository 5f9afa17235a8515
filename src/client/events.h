// SPDX-License-Identifier: Apache-2.0
//   Source  containerd api/services/events/v1/events.proto
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace vortex::client {

class Connection;

inline constexpr char kSubscribedTopic[] = "/vortex-client/subscribed/";

struct Event {
  Time timestamp{};
  std::string containerd_namespace{};
  std::string topic{};  // "/tasks/exit"
  Any event{};          // "containerd.events.TaskExit"
};

// A running subscription. Destroying it ends the stream and waits for a handler that is running, so
// no handler may destroy it. Ends before its Client does.
class EventSubscription {
 public:
  virtual ~EventSubscription() = default;
};

struct EventHandlers {
  // Called from one thread of the subscription's own, in order; must not block for long: containerd
  // keeps what is not read yet in its memory.
  std::function<void(const Event&)> on_event{};
  // Called after each (re)connect, once containerd delivers events to us for certain. Events
  // between a break and this call are lost: look again at the state they would have told of
  // (Tasks::Get, List).
  std::function<void()> on_connected{};
  // Called when the stream broke or could not be opened, once per outage; the subscription goes on
  // trying (100 ms to 5 s apart).
  std::function<void(const absl::Status&)> on_disconnected{};
};

class Events {
 public:
  explicit Events(Connection& connection) : connection_(connection) {}

  // Filters in containerd's syntax (`topic=="/tasks/exit"`, `namespace==vortex`), any of which lets
  // an event pass; empty: all events of all namespaces.
  //
  // containerd does not tell when a subscription has begun. So each one, when it (re)connects,
  // publishes an event of its own below the topic kSubscribedTopic and waits until it comes back.
  // Handlers never see these; other programs' subscriptions without filters do.
  std::unique_ptr<EventSubscription> Subscribe(const std::vector<std::string>& filters,
                                               EventHandlers handlers);
  absl::Status Publish(const std::string& topic, const Any& event, const CallOptions& options = {});

 private:
  Connection& connection_;
};

}  // namespace vortex::client
