// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace vortex::testing {

// crun refuses hybrid hosts (controllers on cgroup v1 and v2 at once): there, a wrapper in `dir`
// that gives it, and it alone, a view without the unified hierarchy. Elsewhere "crun" itself.
absl::StatusOr<std::string> CrunForThisHost(const std::string& dir);

}  // namespace vortex::testing
