// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "egress/config.h"

namespace vortex::egress {

// Makes this process small: the config's uid and gid (when it has one) and no groups, no
// capabilities, no new privileges, resource limits, not dumpable, and a seccomp allowlist under
// which it can use sockets and memory and nothing else: no file, no program, no process. What needs
// more must be done before. Errors name the step; the process must then end.
absl::Status Confine(const Config& config);

}  // namespace vortex::egress
