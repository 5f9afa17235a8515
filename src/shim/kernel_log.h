// SPDX-License-Identifier: Apache-2.0
// What the kernel's log says of out-of-memory kills, for a cgroup whose counters are gone: systemd
// removes a scope as soon as its last process has died, and may be faster than we are.
#pragma once

#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace vortex::shim {

// Whether one record of /dev/kmsg tells of a kill in the memory cgroup at `path` (below the
// hierarchy's root, "/a.slice/b.scope") or below it, for a cgroup's limit.
//   Source  dump_oom_summary() in mm/oom_kill.c (Linux 5.0 and newer)
bool TellsOfKillIn(std::string_view record, std::string_view path);

// Reads the log from where it was opened: one record at a time, nothing older.
class KernelLog {
 public:
  // Without permission, or without a log, it never tells anything.
  KernelLog();
  bool ToldOfKillIn(std::string_view path);

 private:
  base::UniqueFd fd_;
};

}  // namespace vortex::shim
