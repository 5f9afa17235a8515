// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace vortex::oci {

// Source  capabilities(7), Linux 6.1.
bool IsCapabilityName(std::string_view name);

}  // namespace vortex::oci
