// SPDX-License-Identifier: Apache-2.0
// Tells when the kernel kills in a container's cgroup for lack of memory.
#pragma once

#include <functional>
#include <optional>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "shim/cgroup.h"
#include "shim/kernel_log.h"

namespace vortex::shim {

// v1: an eventfd on memory.oom_control; v2: inotify on memory.events. The counter decides, not the
// wake-up: removal of the cgroup wakes up as well. Where systemd owns the cgroup and has removed it
// before the counter was read, the kernel's log decides. `cgroup` must outlive the watch.
class OomWatch {
 public:
  OomWatch(base::EventLoop* loop, const Cgroup* cgroup, bool of_systemd,
           std::function<void()> on_kill);
  // Looks at the counter now; calls back if it grew. For the moment of exit, which can come before
  // the wake-up.
  void Check();

 private:
  bool ArmV1();
  bool ArmV2();

  const Cgroup* cgroup_;
  std::function<void()> on_kill_;
  std::optional<KernelLog> log_;
  std::uint64_t seen_ = 0;
  base::UniqueFd fd_;
  base::UniqueFd control_;
  base::EventLoop::Watch watch_;
};

}  // namespace vortex::shim
