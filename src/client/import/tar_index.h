// SPDX-License-Identifier: Apache-2.0
// Where each file of an uncompressed tar lies, found in one pass over its headers. The data is not
// read: a multi-gigabyte archive costs one small read per entry.
//   Reads   ustar, pax (path, linkpath, size), GNU long names and base-256 numbers.
//   Source  POSIX pax(1) "ustar Interchange Format" and "pax Interchange Format"; tar(5); GNU tar
//   manual,
//           "Basic Tar Format".
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "base/cancellation.h"

namespace vortex::client::importing {

struct TarEntry {
  enum class Kind { kFile, kSymlink, kHardlink };
  Kind kind = Kind::kFile;
  std::int64_t offset = 0;  // of the data, in bytes from the start of the tar
  std::int64_t size = 0;    // of the data, in bytes; 0 for a link
  std::string link;         // target as written, for a link
};

// By normalised name. Directories and special files are left out: nothing in an image archive is
// one.
using TarIndex = std::map<std::string, TarEntry, std::less<>>;

// `fd` must support pread(2). `name` is for error messages.
//   Errors  InvalidArgument: not a tar, damaged, cut short, two files of one name, a name that
//   leaves the
//           archive, sparse files; Cancelled.
absl::StatusOr<TarIndex> IndexTar(int fd, std::int64_t file_size, const std::string& name,
                                  const base::Cancellation* cancel);

// True when the 512 bytes at `block` have a valid tar header checksum.
bool LooksLikeTar(const char* block);

}  // namespace vortex::client::importing
