// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "sandbox/runner.h"

namespace vortex::cli {

// One line of untrusted text: cut, and without control characters that a terminal would obey.
std::string Line(std::string_view text);

// What happened, for a person: what was asked, the result, the cause, limits, denials, timings, the
// spec.
std::string Report(const sandbox::RunRequest& request, const sandbox::SandboxResult& result,
                   const std::string& spec_path);

}  // namespace vortex::cli
