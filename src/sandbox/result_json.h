// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"

#include "sandbox/result.h"

namespace vortex::sandbox {

// The result as one line of JSON, schema_version 1 (docs/user/results.md). Streams are under "text"
// when they are valid UTF-8, else under "base64". The plugin's return value stands under "output"
// as the plugin wrote it, so that no digit of a number is lost.
std::string ResultToJson(const SandboxResult& result);

// Of a request that gives no result:
// {"schema_version":1,"error":{"code":"INVALID_ARGUMENT","message":"…"}}, with gRPC's name of the
// code.
std::string ErrorToJson(const absl::Status& status);

}  // namespace vortex::sandbox
