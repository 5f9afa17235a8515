// SPDX-License-Identifier: Apache-2.0
// What sanitizers say in programs whose stderr is /dev/null: shims that containerd starts.
#pragma once

#include <string>

namespace vortex::testing {

// From now on programs that are started write their reports to files of this test program.
void CollectSanitizerReports();
// All reports so far; they are removed. Empty: none has spoken.
std::string TakeSanitizerReports();

}  // namespace vortex::testing
