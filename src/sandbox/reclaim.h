// SPDX-License-Identifier: Apache-2.0
// Takes one run out of the world: task, container, cgroup, run directory. The same code ends a run
// that went well and one whose client was killed in the middle.
#pragma once

#include <string>
#include <vector>

#include "client/client.h"
#include "sandbox/cgroup.h"
#include "sandbox/run_dir.h"

namespace vortex::sandbox {

struct Reclaimed {
  std::vector<std::string> removed;    // "task", "container", "cgroup", "run directory"
  std::vector<std::string> leftovers;  // what could not be removed, and why
};

// Idempotent: what is not there is fine. Never cancelled; every step has its own deadline. `client`
// may be null when containerd is gone: then only the processes are killed and the rest is left for
// later.
Reclaimed ReclaimRun(client::Client* client, const CgroupHost& cgroups,
                     const std::string& cgroups_path, const std::string& run_id, RunDir& dir);

}  // namespace vortex::sandbox
