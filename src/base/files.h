// SPDX-License-Identifier: Apache-2.0
// Small file helpers with limits and errno kept. Part of vortex_status. Thread-safe; blocking.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace vortex::base {

// The whole content. More than `limit` bytes is OutOfRange; nothing is read past the limit.
absl::StatusOr<std::string> ReadFile(const std::string& path, std::size_t limit);
// The rest of an open descriptor; `name` is for the error message.
absl::StatusOr<std::string> ReadFd(int fd, std::size_t limit, std::string_view name);

// open(2) with O_CLOEXEC; the error names the path.
absl::StatusOr<UniqueFd> OpenFile(const std::string& path, int flags, mode_t mode = 0);

// Opens `path` without leaving the directory `dir_fd`: no absolute path, no "..", no symbolic or
// magic link anywhere on the way.
//   Errors  ELOOP: a link; EXDEV: it would have left the directory; ENOENT; EACCES.
//   Source  openat2(2) RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, Linux 5.6.
absl::StatusOr<UniqueFd> OpenBeneath(int dir_fd, const std::string& path, int flags);

absl::Status WriteAll(int fd, std::string_view bytes, std::string_view name);

// Readers see the old content or the new one, never a part: temporary file beside it, then
// rename(2).
absl::Status WriteFileAtomic(const std::string& path, std::string_view bytes, mode_t mode);

// mkdir -p; existing directories keep their mode.
absl::Status MakeDirs(const std::string& path, mode_t mode);

// Removes a tree without following links; a missing tree is fine.
absl::Status RemoveTree(const std::string& path);

// `bytes` random bytes from getrandom(2) in lower-case hex.
std::string RandomHex(std::size_t bytes);

}  // namespace vortex::base
