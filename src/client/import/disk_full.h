// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace vortex::client::importing {

// containerd reports a full disk as Unknown with the kernel's words (Go's syscall.ENOSPC, EDQUOT),
// after the path it was writing. Such a status becomes ResourceExhausted, "<object>: <containerd's
// words>"; any other is returned as it is.
absl::Status MapDiskFull(const absl::Status& status, std::string_view object);

}  // namespace vortex::client::importing
