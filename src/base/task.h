// SPDX-License-Identifier: Apache-2.0
// Coroutines for one thread over an EventLoop: a job that waits for children, descriptors and
// timers reads from top to bottom. Free of third-party code. Nothing here throws or is thread-safe.
//
//   Task<int> Twice(Event& ready) { co_await ready.Wait(); co_return 2; }
//   Detach(Work(...));   // runs until it first waits, then from the loop
//
// A coroutine's reference parameters must outlive it; whoever co_awaits it keeps its own alive.
// g++ 12: no braced temporaries inside a co_await expression; give arguments names first.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "base/event_loop.h"

namespace vortex::base {

template <typename T>
class Task;

namespace task_internal {

struct FinalAwaiter {
  FinalAwaiter() {}
  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    if (const auto next = handle.promise().continuation) return next;
    if (handle.promise().detached) handle.destroy();
    return std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation;
  bool detached = false;
  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return FinalAwaiter(); }
  void unhandled_exception() noexcept { std::abort(); }
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  void return_value(T result) { value.emplace(std::move(result)); }
  T Take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() {}
  void Take() {}
};

}  // namespace task_internal

// A lazy coroutine: runs when awaited or detached, once.
template <typename T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = task_internal::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
    handle_.promise().continuation = caller;
    return handle_;
  }
  T await_resume() { return handle_.promise().Take(); }

  Handle Release() { return std::exchange(handle_, nullptr); }

 private:
  Handle handle_;
};

template <typename T>
Task<T> task_internal::Promise<T>::get_return_object() {
  return Task<T>(Task<T>::Handle::from_promise(*this));
}
inline Task<void> task_internal::Promise<void>::get_return_object() {
  return Task<void>(Task<void>::Handle::from_promise(*this));
}

// Starts a task that nobody waits for; its frame goes when it ends.
inline void Detach(Task<void> task) {
  const auto handle = task.Release();
  handle.promise().detached = true;
  handle.resume();
}

// A switch that stays on. Waiters go on from the loop, never inside Set().
class Event {
 public:
  explicit Event(EventLoop* loop) : loop_(loop) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  bool set() const { return set_; }
  void Set() {
    set_ = true;
    for (auto& waiter : std::exchange(waiters_, {})) {
      loop_->Post([waiter] {
        if (waiter->done) return;
        waiter->done = true;
        waiter->handle.resume();
      });
    }
  }

 private:
  struct Waiter {
    std::coroutine_handle<> handle;
    bool done = false;
    bool timed_out = false;
    EventLoop::Timer timer;
  };

  class Awaiter {
   public:
    Awaiter(Event* event, std::chrono::nanoseconds limit) : event_(event), limit_(limit) {}
    bool await_ready() const { return event_->set_; }
    void await_suspend(std::coroutine_handle<> handle) {
      waiter_ = std::make_shared<Waiter>();
      waiter_->handle = handle;
      if (limit_ >= std::chrono::nanoseconds::zero()) {
        waiter_->timer = event_->loop_->After(limit_, [waiter = std::weak_ptr<Waiter>(waiter_)] {
          const auto alive = waiter.lock();
          if (!alive || alive->done) return;
          alive->done = true;
          alive->timed_out = true;
          alive->handle.resume();
        });
      }
      event_->waiters_.push_back(waiter_);
    }
    // False: the limit came first.
    bool await_resume() const { return !waiter_ || !waiter_->timed_out; }

   private:
    Event* event_;
    std::chrono::nanoseconds limit_;
    std::shared_ptr<Waiter> waiter_;
  };

 public:
  Awaiter Wait() { return Awaiter(this, std::chrono::nanoseconds(-1)); }
  Awaiter WaitFor(std::chrono::nanoseconds limit) { return Awaiter(this, limit); }

 private:
  EventLoop* loop_;
  bool set_ = false;
  std::deque<std::shared_ptr<Waiter>> waiters_;
};

// First come, first served. A guard gives the turn on when it goes.
class AsyncMutex {
 public:
  explicit AsyncMutex(EventLoop* loop) : loop_(loop) {}
  AsyncMutex(const AsyncMutex&) = delete;
  AsyncMutex& operator=(const AsyncMutex&) = delete;

  class Guard {
   public:
    explicit Guard(AsyncMutex* owner) : owner_(owner) {}
    Guard(Guard&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (owner_ != nullptr) owner_->Unlock();
    }

   private:
    AsyncMutex* owner_;
  };

  class Awaiter {
   public:
    explicit Awaiter(AsyncMutex* owner) : owner_(owner) {}
    bool await_ready() {
      if (owner_->held_) return false;
      owner_->held_ = true;
      return true;
    }
    void await_suspend(std::coroutine_handle<> handle) { owner_->waiters_.push_back(handle); }
    Guard await_resume() { return Guard(owner_); }

   private:
    AsyncMutex* owner_;
  };
  Awaiter Lock() { return Awaiter(this); }

 private:
  void Unlock() {
    if (waiters_.empty()) {
      held_ = false;
      return;
    }
    const auto next = waiters_.front();
    waiters_.pop_front();
    loop_->Post([next] { next.resume(); });
  }

  EventLoop* loop_;
  bool held_ = false;
  std::deque<std::coroutine_handle<>> waiters_;
};

}  // namespace vortex::base
