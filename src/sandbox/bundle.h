// SPDX-License-Identifier: Apache-2.0
// Reads an untrusted bundle directory and copies it, hashing what it copies. docs/user/bundle-digest.md has the format
// of the digest.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "policy/manifest.h"

namespace vortex::sandbox {

// A bundle in the store.
struct Bundle {
  std::string digest;  // "sha256:…", of the tree
  policy::Manifest manifest;
  std::string path;    // in the store; what is mounted at /plugin
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// Bounds on what a bundle may hold.
inline constexpr std::uint64_t kMaxBundleEntries = 10'000;
inline constexpr std::uint64_t kMaxBundleBytes = 64 << 20;
inline constexpr std::uint64_t kMaxBundleFileBytes = 32 << 20;
inline constexpr int kMaxBundleDepth = 32;

struct CopiedTree {
  std::string digest;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// Copies the tree of the directory `source_fd` into the empty directory `target_fd`, beneath both: no link is followed,
// nothing outside is read. Modes are normalised to 0755 and 0644 (0755 where the owner may execute). Pass -1 as the
// target to hash only. `name` is for messages.
//   InvalidArgument  names the entry and what is wrong with it: a device, socket or FIFO; setuid or setgid; a symbolic
//                    link that is absolute or leaves the bundle; a name that is not UTF-8 or has control
//                    characters; more than the bounds above
absl::StatusOr<CopiedTree> CopyBundleTree(int source_fd, int target_fd, const std::string& name);

// The manifest of the bundle directory, checked against what is in it: the entrypoint's module, or the command's
// program, is there.
absl::StatusOr<policy::Manifest> ReadBundleManifest(int dir_fd, const std::string& name);

}  // namespace vortex::sandbox
