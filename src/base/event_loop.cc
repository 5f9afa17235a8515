// SPDX-License-Identifier: Apache-2.0
#include "base/event_loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace vortex::base {

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  // Nothing can run without it, and there is no caller yet to tell.
  if (!epoll_) std::abort();
}

EventLoop::Watch& EventLoop::Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    Reset();
    loop_ = std::exchange(other.loop_, nullptr);
    id_ = other.id_;
  }
  return *this;
}

void EventLoop::Watch::Reset() {
  if (loop_ == nullptr) return;
  EventLoop* loop = std::exchange(loop_, nullptr);
  const auto it = loop->entries_.find(id_);
  if (it == loop->entries_.end()) return;
  ::epoll_ctl(loop->epoll_.get(), EPOLL_CTL_DEL, it->second->fd, nullptr);
  loop->entries_.erase(it);
}

void EventLoop::Watch::Modify(std::uint32_t events) {
  if (loop_ == nullptr) return;
  const auto it = loop_->entries_.find(id_);
  if (it == loop_->entries_.end()) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = id_;
  ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_MOD, it->second->fd, &event);
}

EventLoop::Watch EventLoop::Add(int fd, std::uint32_t events,
                                std::function<void(std::uint32_t)> callback) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = next_id_;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return Watch();
  entries_[next_id_] = std::make_shared<Entry>(Entry{fd, std::move(callback)});
  return Watch(this, next_id_++);
}

EventLoop::Timer& EventLoop::Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    Reset();
    loop_ = std::exchange(other.loop_, nullptr);
    key_ = other.key_;
  }
  return *this;
}

void EventLoop::Timer::Reset() {
  if (EventLoop* loop = std::exchange(loop_, nullptr)) loop->timers_.erase(key_);
}

EventLoop::Timer EventLoop::After(std::chrono::nanoseconds delay, std::function<void()> callback) {
  const TimerKey key{Clock::now() + delay, next_id_++};
  timers_.emplace(key, std::move(callback));
  return Timer(this, key);
}

int EventLoop::WaitMs(int max_wait_ms) const {
  if (!posted_.empty()) return 0;
  if (timers_.empty()) return max_wait_ms;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first.first - Clock::now());
  const auto wait = std::clamp<std::int64_t>(left.count(), 0, 1'000'000);
  return max_wait_ms < 0 ? static_cast<int>(wait) : std::min(max_wait_ms, static_cast<int>(wait));
}

void EventLoop::RunTimers() {
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    node.mapped()();
  }
}

void EventLoop::RunPosted() {
  // Only what was there at the start: a callback that posts itself must not starve the descriptors.
  for (std::size_t left = posted_.size(); left > 0 && !posted_.empty(); --left) {
    const auto callback = std::move(posted_.front());
    posted_.pop_front();
    callback();
  }
}

void EventLoop::Turn(int max_wait_ms) {
  epoll_event events[16];
  const int count = ::epoll_wait(epoll_.get(), events, 16, WaitMs(max_wait_ms));
  for (int i = 0; i < count; ++i) {
    // An earlier callback of this round may have ended the watch.
    const auto it = entries_.find(events[i].data.u64);
    if (it == entries_.end()) continue;
    const std::shared_ptr<Entry> entry = it->second;
    entry->callback(events[i].events);
  }
  RunTimers();
  RunPosted();
}

void EventLoop::Run() {
  while (!stopped_) Turn(-1);
}

}  // namespace vortex::base
