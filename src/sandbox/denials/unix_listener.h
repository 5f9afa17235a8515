// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace vortex::sandbox {

// A listening, non-blocking unix socket of mode 0600 at `path`, which must be shorter than 108
// bytes (unix(7)). `type`: SOCK_STREAM or SOCK_SEQPACKET.
absl::StatusOr<base::UniqueFd> ListenAt(const std::string& path, int type);

// Wall clock.
std::int64_t UnixNowNs();

}  // namespace vortex::sandbox
