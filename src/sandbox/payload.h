// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace vortex::sandbox {

// InvalidArgument unless `payload` is one JSON text (RFC 8259) of at most kMaxPayloadBytes; says
// where it is not.
absl::Status CheckPayload(std::string_view payload);

// InvalidArgument unless `traceparent` is empty or as W3C Trace Context level 1, section 3.2, has
// it: version 00, ids that are not all zero, lower-case hex.
absl::Status CheckTraceparent(std::string_view traceparent);

}  // namespace vortex::sandbox
