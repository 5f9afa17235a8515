// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/observer_thread.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace vortex::sandbox {
namespace {

constexpr int kNice = -15;

}  // namespace

void ObserverThread::Start(std::function<void()> serve) {
  thread_ = std::thread([serve = std::move(serve)] {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    // What the plugin does waits for it, or is dropped unread: on a busy node it must not queue
    // behind other work. How much it can be made to do is bounded by the budget. Without the right
    // to, it works as well.
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
    serve();
  });
}

void ObserverThread::Join() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

Observation DescribeObserver(const ObserverConfig& config, const char* witness,
                             const std::string& why_not, std::uint64_t dropped, bool whole) {
  Observation out;
  const auto row = [&](const char* name, bool watched) {
    ObserverState state{.name = name, .witness = witness};
    state.active = watched && why_not.empty();
    state.why = watched ? why_not : "off by policy";
    state.dropped = dropped;
    state.complete = state.active && dropped == 0 && whole;
    out.observers.push_back(std::move(state));
  };
  row("network", config.network);
  row("filesystem", config.filesystem);
  row("syscall", config.network || config.filesystem);
  return out;
}

}  // namespace vortex::sandbox
