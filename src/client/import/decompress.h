// SPDX-License-Identifier: Apache-2.0
// Expands a gzip or zstd file into a nameless temporary file, so that its tar can be read at any
// offset.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/cancellation.h"
#include "base/unique_fd.h"

namespace vortex::client::importing {

enum class Compression { kNone, kGzip, kZstd, kUnsupported };

// By the first bytes of a file (RFC 1952, RFC 8878); kUnsupported for bzip2 and xz.
Compression DetectCompression(std::string_view head);

// The temporary file lies in $TMPDIR, else /var/tmp (images are too large for a /tmp in memory),
// has no name and is gone when the descriptor closes.
//   Errors  InvalidArgument: damaged, cut short, or more than kMaxExpandedBytes; ResourceExhausted:
//   the
//           temporary directory is full; Cancelled.
absl::StatusOr<base::UniqueFd> ExpandToTemporary(int fd, Compression compression,
                                                 const std::string& name,
                                                 const base::Cancellation* cancel);

}  // namespace vortex::client::importing
