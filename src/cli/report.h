// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sandbox/runner.h"

namespace vortex::cli {

// What happened, for a person: what was asked, the result, the cause, limits, denials, timings, the
// spec.
std::string Report(const sandbox::RunRequest& request, const sandbox::SandboxResult& result,
                   const std::string& spec_path);

}  // namespace vortex::cli
