// SPDX-License-Identifier: Apache-2.0
// What the operator has written for the node. Everything that runs plugins reads it here.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "policy/policy.h"
#include "sandbox/runtime_classes.h"

namespace vortex::sandbox {

inline constexpr char kDefaultPolicyFile[] = "/etc/vortex/policy.yaml";
inline constexpr char kDefaultClassesFile[] = "/etc/vortex/runtime-classes.yaml";

// A `file` that is named must be there. Empty: the default file, and where there is none the
// built-in policy, which refuses untrusted plugins, or the built-in class table.
//   Errors  those of open(2) and read(2), with the file's name; OutOfRange: it is too large;
//           InvalidArgument: file, line, field and what would be right
absl::StatusOr<policy::Policy> LoadPolicy(const std::string& file);
absl::StatusOr<RuntimeClassTable> LoadClasses(const std::string& file);

}  // namespace vortex::sandbox
