// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace vortex::testing {

// Removes what a private containerd below `dir` has left: itself, its shims and their containers
// (SIGKILL), their cgroups, runc's state of them, the shims' sockets, mounts below `dir` (deepest
// first), `dir`. Does what it can; what stays is written to stderr.
void RemovePrivateContainerd(const std::string& dir);

}  // namespace vortex::testing
