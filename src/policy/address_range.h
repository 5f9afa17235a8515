// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vortex::policy {

// "10.1.0.0/16", "fd00:1::/32": an address range in its canonical spelling. At least 8 bits of IPv4
// and 16 of IPv6 are fixed, and none of the others is set: a slip must not open the internet.
//   InvalidArgument  says what would be right
absl::StatusOr<std::string> ParseAddressRange(std::string_view text);

}  // namespace vortex::policy
