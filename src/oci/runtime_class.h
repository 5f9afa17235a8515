// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "absl/status/statusor.h"

namespace vortex::oci {

// How a job is isolated; which one is the operator's and the request's choice, never the plugin's.
enum class RuntimeClass { kRunc, kCrun, kGvisor, kKata };

// "runc", "crun", "gvisor", "kata".
std::string_view Name(RuntimeClass runtime_class);

// InvalidArgument names the text and the known classes.
absl::StatusOr<RuntimeClass> ParseRuntimeClass(std::string_view text);

}  // namespace vortex::oci
