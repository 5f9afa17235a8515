// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace vortex::sandbox {

// What a path of a sandboxed process comes to.
struct Resolved {
  enum class Kind {
    kFound,       // `fd` is what it names
    kMissing,     // ENOENT: `name` is not in the directory `fd`, and it is the last part
    kMissingDir,  // ENOENT: a directory on the way is not there
    kForbidden,   // EACCES: the directory `fd` may not be searched
    kUnknown,     // anything else; only the kernel, asked by the process itself, can tell
  };
  Kind kind = Kind::kUnknown;
  base::UniqueFd fd;  // O_PATH
  std::string name;
  std::string path;  // absolute inside the sandbox, links resolved as far as there is something
};

// Looks up paths inside a sandbox from outside, by O_PATH descriptors only: nothing is opened for
// reading, no device and no FIFO is touched. Permissions are checked against the calling thread's
// file system ids, which must be the process's for kForbidden to mean anything.
//
// ".." ends at the sandbox's root. Links in
// /proc are never followed: /proc/self is another for us than for the process.
//   Source  openat2(2) RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS; Linux 5.6
class PathResolver {
 public:
  explicit PathResolver(base::UniqueFd root) : root_(std::move(root)) {}

  // `base`: an O_PATH descriptor of the directory that a relative path starts in.
  // `follow`: whether the last part may be a link that is followed.
  Resolved Resolve(int base, const std::string& path, bool follow) const;

  bool valid() const { return root_.valid(); }

 private:
  Resolved Walk(int base, std::string path, bool follow) const;

  base::UniqueFd root_;
};

// The path of a descriptor inside its mount namespace; empty when it has none (deleted, …).
std::string PathOf(int fd);

}  // namespace vortex::sandbox
