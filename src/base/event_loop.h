// SPDX-License-Identifier: Apache-2.0
// One thread's epoll loop: watched descriptors, timers and deferred calls. Free of third-party
// code.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "base/unique_fd.h"

namespace vortex::base {

// Not thread-safe. Callbacks may add and remove watches and timers, their own included. Watches and
// timers must not outlive the loop.
//   Source  epoll(7), level-triggered.
class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;

  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Registration of one descriptor; ends with this object. Destroy it before the descriptor closes.
  class Watch {
   public:
    Watch() = default;
    Watch(EventLoop* loop, std::uint64_t id) : loop_(loop), id_(id) {}
    Watch(Watch&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)), id_(other.id_) {}
    Watch& operator=(Watch&& other) noexcept;
    ~Watch() { Reset(); }
    void Reset();
    void Modify(std::uint32_t events);  // EPOLLIN, EPOLLOUT or 0
    bool active() const { return loop_ != nullptr; }

   private:
    EventLoop* loop_ = nullptr;
    std::uint64_t id_ = 0;
  };

  // Calls `callback` with the epoll events until the watch is gone. A descriptor that epoll refuses
  // (regular files: EPERM) gives an inactive watch, with errno set.
  [[nodiscard]] Watch Add(int fd, std::uint32_t events,
                          std::function<void(std::uint32_t)> callback);

  class Timer {
   public:
    Timer() = default;
    Timer(EventLoop* loop, std::pair<Clock::time_point, std::uint64_t> key)
        : loop_(loop), key_(key) {}
    Timer(Timer&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)), key_(other.key_) {}
    Timer& operator=(Timer&& other) noexcept;
    ~Timer() { Reset(); }
    void Reset();

   private:
    EventLoop* loop_ = nullptr;
    std::pair<Clock::time_point, std::uint64_t> key_;
  };

  // Calls `callback` once, `delay` from now on the monotonic clock, unless the timer is gone first.
  [[nodiscard]] Timer After(std::chrono::nanoseconds delay, std::function<void()> callback);

  // Runs `callback` in the next turn, in order of posting.
  void Post(std::function<void()> callback) { posted_.push_back(std::move(callback)); }

  // The functions that run at every turn lie together (gnu::hot): of a waiting shim little else is
  // in memory.
  [[gnu::hot]] void Run();  // until Stop()
  void Stop() { stopped_ = true; }
  // One turn: waits at most `max_wait_ms` (-1: as long as it takes). For tests.
  [[gnu::hot]] void Turn(int max_wait_ms);

 private:
  struct Entry {
    int fd;
    std::function<void(std::uint32_t)> callback;
  };
  using TimerKey = std::pair<Clock::time_point, std::uint64_t>;

  [[gnu::hot]] int WaitMs(int max_wait_ms) const;
  [[gnu::hot]] void RunTimers();
  [[gnu::hot]] void RunPosted();

  UniqueFd epoll_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::shared_ptr<Entry>> entries_;
  std::map<TimerKey, std::function<void()>> timers_;
  std::deque<std::function<void()>> posted_;
  bool stopped_ = false;
};

}  // namespace vortex::base
