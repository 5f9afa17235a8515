// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vortex::shim {

// The first process that changes its cgroup after a while waits for an RCU grace period (4 to 21
// ms): writers of `cgroup.procs` take a lock whose readers are all forks and exits. For some 30 ms
// after it such a change is free. This spends the wait while the runtime still loads: a child puts
// itself into the cgroup that it is in, which changes nothing, and ends. Returns at once; the
// reaper takes the child. Where our cgroup is not found below /sys/fs/cgroup, or may not be
// written, it does nothing.
//   Source  kernel kernel/cgroup/cgroup.c, cgroup_procs_write_start; kernel/rcu/sync.c
void PrepareCgroupMoves();

}  // namespace vortex::shim
