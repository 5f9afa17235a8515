// SPDX-License-Identifier: Apache-2.0
#include "base/child_reaper.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include <cstdlib>

namespace vortex::base {

unsigned ChildExit::Code() const {
  if (WIFSIGNALED(wait_status)) return 128U + static_cast<unsigned>(WTERMSIG(wait_status));
  return static_cast<unsigned>(WEXITSTATUS(wait_status));
}

ChildReaper::ChildReaper(EventLoop* loop) : loop_(loop) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_.Reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) std::abort();
  watch_ = loop_->Add(signals_.get(), EPOLLIN, [this](std::uint32_t) {
    signalfd_siginfo info[8];
    while (::read(signals_.get(), info, sizeof info) > 0) {
    }
    Reap();
  });
}

void ChildReaper::Expect(pid_t pid, std::function<void(ChildExit)> callback) {
  if (const auto it = parked_.find(pid); it != parked_.end()) {
    loop_->Post([callback = std::move(callback), exit = it->second] { callback(exit); });
    parked_.erase(it);
    return;
  }
  expected_[pid] = std::move(callback);
}

Task<ChildExit> ChildReaper::Wait(pid_t pid) {
  Event done(loop_);
  ChildExit result;
  Expect(pid, [&](ChildExit exit) {
    result = exit;
    done.Set();
  });
  co_await done.Wait();
  co_return result;
}

void ChildReaper::Reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    timespec now;
    ::clock_gettime(CLOCK_REALTIME, &now);
    const ChildExit exit{status, now.tv_sec * 1'000'000'000LL + now.tv_nsec};
    const auto it = expected_.find(pid);
    if (it != expected_.end()) {
      const auto callback = std::move(it->second);
      expected_.erase(it);
      callback(exit);
    } else if (holds_ > 0) {
      parked_[pid] = exit;
    }
  }
}

}  // namespace vortex::base
