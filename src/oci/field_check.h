// SPDX-License-Identifier: Apache-2.0
// Checks of single fields, shared by the checks of a job. Errors are InvalidArgument and start with
// the field's name.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace vortex::oci {

// UTF-8 without NUL: JSON cannot carry the one, execve(2) and mount(2) would cut at the other.
absl::Status CheckText(std::string_view field, std::string_view value);

// Text that is an absolute path other than "/", with no ".", "..", empty component or slash at its
// end. Symbolic links are the business of whoever opens it.
absl::Status CheckPath(std::string_view field, std::string_view path);

// path is root or lies below it; both as CheckPath wants them.
bool IsWithin(std::string_view path, std::string_view root);

}  // namespace vortex::oci
