// SPDX-License-Identifier: Apache-2.0
// Names inside an image archive, brought to one form so that two spellings cannot mean two files.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vortex::client::importing {

// "./blobs//sha256/ab" becomes "blobs/sha256/ab"; "./" becomes the empty string (the root).
//   Errors  InvalidArgument: absolute, a ".." component, a NUL byte, longer than kMaxNameBytes.
absl::StatusOr<std::string> NormaliseArchivePath(std::string_view name);

// The name a symbolic link at `link_path` (normalised) leads to. ".." is followed as long as it
// stays inside the archive.
//   Errors  InvalidArgument: absolute or outside the archive.
absl::StatusOr<std::string> ResolveArchiveLink(std::string_view link_path, std::string_view target);

// A name for messages: control bytes become '?', long ones are cut.
std::string Printable(std::string_view name);

}  // namespace vortex::client::importing
