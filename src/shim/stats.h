// SPDX-License-Identifier: Apache-2.0
// A cgroup's counters as containerd's Metrics messages.
#pragma once

#include "shim/cgroup.h"

namespace google::protobuf {
class Any;
}

namespace vortex::shim {

// io.containerd.cgroups.v1.Metrics or v2, by the host. False when the cgroup is gone.
bool ReadStats(const Cgroup& cgroup, google::protobuf::Any* out);

}  // namespace vortex::shim
