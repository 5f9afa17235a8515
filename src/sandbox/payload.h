// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace vortex::sandbox {

// InvalidArgument unless `payload` is one JSON text (RFC 8259) of at most kMaxPayloadBytes; says
// where it is not.
absl::Status CheckPayload(std::string_view payload);

}  // namespace vortex::sandbox
