// SPDX-License-Identifier: Apache-2.0
#include "client/events.h"

#include <grpcpp/completion_queue.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/files.h"
#include "client/connection.h"
#include "client/convert.h"
#include "containerd/services/events/v1/events.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::events::v1;
using Stub = api::Events::Stub;

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{5'000};
// How long to wait for the announcement to come back before it is published again: it may have been
// published before containerd had registered the subscription.
constexpr milliseconds kEchoWait{50};
// gRPC ends the stream at its deadline; it is then opened anew, as after a break.
constexpr milliseconds kStreamLife = std::chrono::hours(24 * 365);

Event ToEvent(const api::Envelope& envelope) {
  return {.timestamp = FromProto(envelope.timestamp()),
          .containerd_namespace = envelope.namespace_(),
          .topic = envelope.topic(),
          .event = FromProto(envelope.event())};
}

// One stream, read through a completion queue that only this object polls, so that a read can wait
// with a time limit and every handler runs in one thread.
class EventStream {
 public:
  enum class Got { kEvent, kNothingYet, kEnd };

  EventStream(Connection& connection, const api::SubscribeRequest& request,
              base::Cancellation& cancel) {
    connection.Wake(kLongestPause, &cancel);
    (void)connection.Prepare(context_, kStreamLife, /*lease=*/"");
    reader_ = connection.Stub<Stub>().AsyncSubscribe(&context_, request, &queue_, this);
    guard_.emplace(cancel.OnCancel([this] { context_.TryCancel(); }));
    void* tag = nullptr;
    bool ok = false;
    open_ = queue_.Next(&tag, &ok) && ok;
    if (open_) reader_->Read(&envelope_, this);
  }
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  ~EventStream() {
    guard_.reset();
    context_.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  // The next event. No `limit`: waits until there is one.
  Got Next(std::optional<milliseconds> limit, Event* event) {
    if (!open_) return Got::kEnd;
    void* tag = nullptr;
    bool ok = false;
    const auto deadline = std::chrono::system_clock::now() + limit.value_or(kStreamLife);
    if (queue_.AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::TIMEOUT)
      return Got::kNothingYet;
    open_ = ok;
    if (!ok) return Got::kEnd;
    *event = ToEvent(envelope_);
    reader_->Read(&envelope_, this);
    return Got::kEvent;
  }

  // Call after kEnd.
  absl::Status Finish() {
    grpc::Status status;
    reader_->Finish(&status, this);
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
    if (status.ok()) status = {grpc::StatusCode::UNAVAILABLE, "containerd ended the stream"};
    return ToStatus(status, {.timeout = kStreamLife}, "subscribe to events");
  }

 private:
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReader<api::Envelope>> reader_;
  std::optional<base::Cancellation::Guard> guard_;
  api::Envelope envelope_;
  bool open_ = false;
};

class RunningSubscription : public EventSubscription {
 public:
  RunningSubscription(Connection& connection, const std::vector<std::string>& filters,
                      EventHandlers handlers)
      : connection_(connection),
        handlers_(std::move(handlers)),
        announcement_(kSubscribedTopic + base::RandomHex(12)) {
    Append(filters, request_.mutable_filters());
    if (!filters.empty()) request_.add_filters(fmt::format("topic==\"{}\"", announcement_));
    thread_ = std::thread([this] { Loop(); });
  }
  RunningSubscription(const RunningSubscription&) = delete;
  RunningSubscription& operator=(const RunningSubscription&) = delete;

  ~RunningSubscription() override {
    stop_.Cancel();
    thread_.join();
  }

 private:
  void Loop() {
    milliseconds pause = kFirstPause;
    bool told = false;  // of this outage
    while (!stop_.cancelled()) {
      bool connected = false;
      const absl::Status status = Follow(&connected);
      if (stop_.cancelled()) return;
      if (connected) {
        pause = kFirstPause;
        told = false;
      }
      if (!told && handlers_.on_disconnected) handlers_.on_disconnected(status);
      told = true;
      pollfd stop{stop_.fd(), POLLIN, 0};
      ::poll(&stop, 1, static_cast<int>(pause.count()));
      pause = std::min(pause * 2, kLongestPause);
    }
  }

  // Opens a stream and hands out what it brings until it ends. Sets `connected` once events flow.
  absl::Status Follow(bool* connected) {
    EventStream stream(connection_, request_, stop_);
    bool announce = true;
    while (true) {
      if (announce && !*connected) {
        const absl::Status published = Announce();
        // A server that takes no events cannot tell us either; then the open stream has to do.
        if (!published.ok() && !absl::IsUnavailable(published) && !absl::IsCancelled(published))
          Connected(connected);
        announce = false;
      }
      Event event;
      switch (stream.Next(*connected ? std::nullopt : std::optional(kEchoWait), &event)) {
        case EventStream::Got::kEvent:
          // Any event proves as much as our own does.
          Connected(connected);
          if (!event.topic.starts_with(kSubscribedTopic) && handlers_.on_event)
            handlers_.on_event(event);
          break;
        case EventStream::Got::kNothingYet:
          announce = true;
          break;
        case EventStream::Got::kEnd:
          return stream.Finish();
      }
    }
  }

  void Connected(bool* connected) {
    if (*connected) return;
    *connected = true;
    if (handlers_.on_connected) handlers_.on_connected();
  }

  absl::Status Announce() {
    // A type that every containerd client can decode and none acts on.
    return Events(connection_)
        .Publish(announcement_, {.type_url = "google.protobuf.Empty", .value = ""},
                 {.timeout = std::chrono::seconds(5), .cancel = &stop_});
  }

  Connection& connection_;
  const EventHandlers handlers_;
  const std::string announcement_;
  api::SubscribeRequest request_;
  base::Cancellation stop_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<EventSubscription> Events::Subscribe(const std::vector<std::string>& filters,
                                                     EventHandlers handlers) {
  return std::make_unique<RunningSubscription>(connection_, filters, std::move(handlers));
}

absl::Status Events::Publish(const std::string& topic, const Any& event,
                             const CallOptions& options) {
  api::PublishRequest request;
  request.set_topic(topic);
  *request.mutable_event() = ToProto(event);
  return connection_
      .Call(Repeat::kNever, &Stub::Publish, request, options,
            fmt::format("publish event {}", topic))
      .status();
}

}  // namespace vortex::client
