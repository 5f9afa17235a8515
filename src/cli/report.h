// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "sandbox/runner.h"

namespace vortex::cli {

// Untrusted text as one line: a blank for each character that a terminal would obey, or that would
// make a line look like another.
std::string Printable(std::string_view text);
// The same, cut.
std::string Line(std::string_view text);

// What happened, for a person: what was asked, the result, the cause, limits, denials, timings, the
// spec.
std::string Report(const sandbox::RunRequest& request, const sandbox::SandboxResult& result,
                   const std::string& spec_path);

}  // namespace vortex::cli
