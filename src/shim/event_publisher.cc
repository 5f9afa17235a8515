// SPDX-License-Identifier: Apache-2.0
#include "shim/event_publisher.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "containerd/services/ttrpc/events/v1/events.pb.h"
#include "containerd/ttrpc/ttrpc.pb.h"
#include "shim/files.h"
#include "shim/log.h"
#include "shim/timestamps.h"

namespace vortex::shim {
namespace {

using std::chrono::milliseconds;

// For the sink, from when it has read the request.
constexpr std::chrono::nanoseconds kSinkLimit{5'000'000'000};
constexpr std::size_t kMaxQueue = 4096;
// containerd answers with an error only for an event it will never take; a few tries cover a busy
// exchange.
constexpr int kMaxRefusals = 5;

}  // namespace

EventPublisher::EventPublisher(base::EventLoop* loop, std::string address, std::string name_space,
                               EventPace pace)
    : loop_(loop),
      address_(std::move(address)),
      namespace_(std::move(name_space)),
      pace_(pace),
      backoff_(pace.first_pause) {
  if (address_.starts_with("unix://")) address_.erase(0, 7);
}

void EventPublisher::Publish(std::string_view topic, std::string_view type,
                             const std::string& message) {
  if (address_.empty()) {
    Log(Level::kDebug, {"event ", topic, " dropped: no TTRPC_ADDRESS"});
    return;
  }
  containerd::services::events::ttrpc::v1::ForwardRequest forward;
  auto* envelope = forward.mutable_envelope();
  SetTime(envelope->mutable_timestamp(), NowUnixNs());
  envelope->set_namespace_(namespace_);
  envelope->set_topic(topic.data(), topic.size());
  envelope->mutable_event()->set_type_url(type.data(), type.size());
  envelope->mutable_event()->set_value(message);
  ttrpc::Request request;
  request.set_service("containerd.services.events.ttrpc.v1.Events");
  request.set_method("Forward");
  request.set_payload(forward.SerializeAsString());
  request.set_timeout_nano(kSinkLimit.count());
  auto* metadata = request.add_metadata();
  metadata->set_key("containerd-namespace-ttrpc");
  metadata->set_value(namespace_);
  if (queue_.size() >= kMaxQueue) {
    // An exit that is never told leaves a container running for ever in its owner's eyes: others go
    // first.
    auto victim =
        std::find_if(queue_.begin() + 1, queue_.end(), [](const Item& item) { return !item.exit; });
    if (victim == queue_.end()) victim = queue_.begin() + 1;
    queue_.erase(victim);
    Log(Level::kWarning, {"event queue full: one event dropped"});
  }
  queue_.push_back({request.SerializeAsString(), type == "containerd.events.TaskExit"});
  Pump();
}

void EventPublisher::Pump() {
  if (queue_.empty() || waiting_for_ != 0 || pausing_) return;
  if (!socket_ && !Connect()) return Retry();
  Send();
}

bool EventPublisher::Connect() {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address_.size() >= sizeof name.sun_path) return false;
  std::memcpy(name.sun_path, address_.data(), address_.size());
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // A unix socket connects at once or not at all (EAGAIN: backlog full).
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    return false;
  socket_ = std::move(fd);
  watch_ = loop_->Add(socket_.get(), EPOLLIN, [this](std::uint32_t events) { OnEvent(events); });
  decoder_ = FrameDecoder();
  next_stream_ = 1;
  return true;
}

void EventPublisher::Send() {
  waiting_for_ = next_stream_;
  next_stream_ += 2;
  out_ = EncodeFrame(waiting_for_, kRequestFrame, queue_.front().request);
  limit_ = loop_->After(pace_.answer_late, [this] { WaitLonger(); });
  OnEvent(EPOLLOUT);
}

void EventPublisher::WaitLonger() {
  Log(Level::kWarning, {"event sink does not answer"});
  limit_ = loop_->After(pace_.answer_lost - pace_.answer_late, [this] {
    Log(Level::kWarning, {"event sink has not answered, its connection is given up"});
    Retry();
  });
}

void EventPublisher::OnEvent(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    while (!out_.empty()) {
      const ssize_t count = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) break;
      if (count < 0) return Retry();
      out_.erase(0, static_cast<std::size_t>(count));
    }
    watch_.Modify(out_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  char buffer[1024];
  const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return Retry();
  decoder_.Feed(std::string_view(buffer, static_cast<std::size_t>(count)));
  Frame frame;
  while (socket_ && decoder_.Next(&frame)) OnReply(frame);
}

void EventPublisher::OnReply(const Frame& frame) {
  if (frame.type != kResponseFrame || frame.stream != waiting_for_ || queue_.empty()) return;
  ttrpc::Response response;
  const bool decoded = response.ParseFromString(frame.payload);
  if (decoded && response.status().code() == 0) return Done();
  const std::string& why = response.status().message();
  if (++queue_.front().refusals < kMaxRefusals) {
    Log(Level::kWarning, {"event refused: ", why});
    return Retry();
  }
  Log(Level::kError, {"event refused for good: ", why});
  Done();
}

void EventPublisher::Done() {
  limit_.Reset();
  waiting_for_ = 0;
  backoff_ = pace_.first_pause;
  queue_.pop_front();
  if (queue_.empty() && flushed_) {
    flush_timer_.Reset();
    loop_->Post(std::exchange(flushed_, nullptr));
  }
  // Not recursive: a long queue would nest as deep.
  if (!queue_.empty()) loop_->Post([this] { Pump(); });
}

void EventPublisher::Retry() {
  Disconnect();
  // Nothing to send: the sink may go and come as it likes.
  if (queue_.empty()) return;
  pausing_ = true;
  retry_ = loop_->After(backoff_, [this] {
    pausing_ = false;
    Pump();
  });
  backoff_ = std::min(backoff_ * 2, pace_.longest_pause);
}

void EventPublisher::Kick() {
  if (!pausing_) return;
  pausing_ = false;
  retry_.Reset();
  backoff_ = pace_.first_pause;
  Pump();
}

void EventPublisher::Disconnect() {
  limit_.Reset();
  watch_.Reset();
  socket_.Reset();
  out_.clear();
  waiting_for_ = 0;
}

void EventPublisher::Flush(milliseconds limit, std::function<void()> done) {
  if (queue_.empty()) {
    loop_->Post(std::move(done));
    return;
  }
  flushed_ = std::move(done);
  flush_timer_ = loop_->After(limit, [this] {
    if (flushed_) std::exchange(flushed_, nullptr)();
  });
}

}  // namespace vortex::shim
