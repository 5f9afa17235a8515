// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "sandbox/result.h"

namespace vortex::sandbox {

// Why the plugin failed, when a denial explains it: the exception that it died of has the errno of
// a record made outside of the sandbox, and the same target where it names one. Nothing for a
// plugin that succeeded, was killed, or failed for another reason. Pure.
std::optional<DenialError> ExplainFailure(const SandboxResult& result);

}  // namespace vortex::sandbox
