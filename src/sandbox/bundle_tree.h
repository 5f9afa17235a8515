// SPDX-License-Identifier: Apache-2.0
// Walks an untrusted bundle directory, hashing and copying in one pass. docs/user/bundle-digest.md
// has the format of the digest.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace vortex::sandbox {

// Bounds on what a bundle may hold.
inline constexpr std::uint64_t kMaxBundleEntries = 10'000;
inline constexpr std::uint64_t kMaxBundleBytes = 64 << 20;
inline constexpr std::uint64_t kMaxBundleFileBytes = 16 << 20;
inline constexpr int kMaxBundleDepth = 32;

struct CopiedTree {
  std::string digest;  // "sha256:…"
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// Copies the tree of the directory `source_fd` into the empty directory `target_fd`, beneath both:
// no link is followed on the way, nothing outside is read, and the digest is of the bytes that were
// copied, whatever happens to the source meanwhile. Modes become 0755 and 0644 (0755 where the
// owner may execute), whatever the umask. Pass -1 as the target to hash only. `name` is for
// messages. On an error the target holds a part, for the caller to remove.
//   InvalidArgument    names the entry and what is wrong with it: a device, socket or FIFO; setuid
//                      or setgid; a symbolic link that is absolute or leads out of the bundle; a
//                      name that is not plain text; more than the bounds above; an entry that
//                      changed while it was read
//   ResourceExhausted  no space for the copy
absl::StatusOr<CopiedTree> CopyBundleTree(int source_fd, int target_fd, const std::string& name);

// Opens a path of a bundle as the plugin will: symbolic links are followed, but never out of
// `dir_fd`.
//   Errors  EXDEV: it would have left the directory; ENOENT; ELOOP; EAGAIN: renames kept racing.
//   Source  openat2(2) RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS, Linux 5.6.
absl::StatusOr<base::UniqueFd> OpenInBundle(int dir_fd, const std::string& path, int flags);

}  // namespace vortex::sandbox
