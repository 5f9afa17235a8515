// SPDX-License-Identifier: Apache-2.0
// A cgroup's counters as containerd's Metrics messages.
#pragma once

#include "shim/cgroup.h"
#include "shim/sandbox_members.h"

namespace google::protobuf {
class Any;
}

namespace vortex::shim {

// io.containerd.cgroups.v1.Metrics or v2, by the host. False when the cgroup is gone.
bool ReadStats(const Cgroup& cgroup, google::protobuf::Any* out);

// The same message with what a runtime says about a container that has no cgroup of its own.
void WriteMemberStats(bool v2, const MemberStats& stats, google::protobuf::Any* out);

}  // namespace vortex::shim
