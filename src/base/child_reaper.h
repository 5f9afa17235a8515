// SPDX-License-Identifier: Apache-2.0
// The one place of a single-threaded program that reaps: every child and every adopted orphan
// (PR_SET_CHILD_SUBREAPER). Free of third-party code.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "base/event_loop.h"
#include "base/task.h"

namespace vortex::base {

struct ChildExit {
  int wait_status = 0;       // as from waitpid(2)
  std::int64_t unix_ns = 0;  // when it was reaped

  // 0-255, or 128 + signal number.
  unsigned Code() const;
};

// A child may be reaped before anyone knows what its pid means: a container's first process can die
// before `runc create` has written the pid file. Exits of unknown pids are parked while a Hold
// exists.
class ChildReaper {
 public:
  // Blocks SIGCHLD for the process and takes it by signalfd(2).
  explicit ChildReaper(EventLoop* loop);

  // Calls back once, from the loop, when `pid` is reaped; at once (next turn) if its exit is
  // parked.
  void Expect(pid_t pid, std::function<void(ChildExit)> callback);
  void Forget(pid_t pid) { expected_.erase(pid); }
  EventLoop* loop() const { return loop_; }
  // Nobody waits for a child.
  bool Idle() const { return expected_.empty(); }
  // Co-awaitable form.
  Task<ChildExit> Wait(pid_t pid);

  class Hold {
   public:
    explicit Hold(ChildReaper* owner) : owner_(owner) { ++owner_->holds_; }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() {
      if (--owner_->holds_ == 0) owner_->parked_.clear();
    }

   private:
    ChildReaper* owner_;
  };

  // Reaps what is there. Called by the loop; public for use before a final exit.
  void Reap();

 private:
  EventLoop* loop_;
  UniqueFd signals_;
  EventLoop::Watch watch_;
  std::map<pid_t, std::function<void(ChildExit)>> expected_;
  std::map<pid_t, ChildExit> parked_;
  int holds_ = 0;
};

}  // namespace vortex::base
