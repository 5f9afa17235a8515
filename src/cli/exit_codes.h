// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sandbox/result.h"

namespace vortex::cli {

// Exit codes of `vortexctl run`, as docker run and coreutils' timeout have them: the plugin's own
// 0-123; 124 the budget was over; 125 the sandbox did not run or was lost; 126/127 entrypoint not
// executable/not found; 128 + n ended by signal n. A plugin's own code from 124 on is passed
// through too: --json tells them apart.
inline constexpr int kExitBudget = 124;
inline constexpr int kExitSandbox = 125;
inline constexpr int kExitNotExecutable = 126;

int ExitCodeFor(const sandbox::Termination& termination);

}  // namespace vortex::cli
