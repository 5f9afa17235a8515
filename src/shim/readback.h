// SPDX-License-Identifier: Apache-2.0
// Between create and start: is what the spec asks for really in force? For our own jobs; others
// start unread.
#pragma once

#include <memory>

#include "shim/container.h"
#include "shim/status.h"

namespace vortex::shim {

// Reads cgroup limits, and for runtimes whose first process the kernel shows us (runc, crun):
// no_new_privs, the capability bounding set, mount flags, the network's links. Fills
// container->controls.
//   Errors  FailedPrecondition "sandbox_unavailable: control <name>: …": asked for and not in
//   force.
Status CheckInForce(Container* container);

// The seccomp filter is loaded last, after the start, so it is read once the first process runs
// another program than before, if it still lives then. Without one that the spec asks for the job
// is killed and the report says so.
void CheckSeccompSoon(base::EventLoop* loop, const std::shared_ptr<Container>& container);

// The word behind "<key>:" in /proc/<pid>/status text; for tests.
std::string StatusField(std::string_view proc_status, std::string_view key);
// Names of links in /proc/<pid>/net/dev text.
std::vector<std::string> LinkNames(std::string_view net_dev);

}  // namespace vortex::shim
