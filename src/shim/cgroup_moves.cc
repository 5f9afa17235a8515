// SPDX-License-Identifier: Apache-2.0
#include "shim/cgroup_moves.h"

#include <unistd.h>

#include <string>

#include "base/spawn.h"
#include "shim/files.h"

namespace vortex::shim {
namespace {

// "0::/system.slice/containerd.service" is below /sys/fs/cgroup, "8:pids:/" below its "pids". Any
// hierarchy will do, the lock is one for all.
std::string OwnProcsFile() {
  const auto text = ReadFile("/proc/self/cgroup", 64 << 10);
  if (!text) return "";
  const bool v2 = ::access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
  const std::string key = v2 ? "0::" : ":pids:";
  const auto at = text->find(key);
  if (at == std::string::npos) return "";
  const auto begin = at + key.size();
  return std::string("/sys/fs/cgroup") + (v2 ? "" : "/pids") +
         text->substr(begin, text->find('\n', begin) - begin) + "/cgroup.procs";
}

}  // namespace

void PrepareCgroupMoves() {
  // What cannot be had here, the runtime waits for itself.
  (void)base::ForkHelper({}, [] { return WriteExisting(OwnProcsFile(), "0"); });
}

}  // namespace vortex::shim
