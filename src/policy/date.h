// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vortex::policy {

// "2027-01-31", a day of the calendar from 2000 to 9999. InvalidArgument says what would be right.
absl::StatusOr<std::chrono::sys_days> ParseDate(std::string_view text);
std::string FormatDate(std::chrono::sys_days date);

}  // namespace vortex::policy
