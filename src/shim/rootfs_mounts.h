// SPDX-License-Identifier: Apache-2.0
// Mounts the list that Create brings, and takes mounts away again. Blocking: run it in a helper.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shim/status.h"

namespace vortex::shim {

struct MountRequest {
  std::string type;
  std::string source;
  std::string target;  // below the rootfs; may be empty
  std::vector<std::string> options;
};

// Option words of mount(8) as flags; the rest is data for the filesystem.
struct MountOptions {
  unsigned long flags = 0;
  unsigned long propagation = 0;
  std::string data;
  bool loop = false;
  std::string unsupported;  // an option that must not be ignored, or empty
};
MountOptions ParseMountOptions(const std::vector<std::string>& options);

// Applies all in order; what was done is undone on failure.
Status MountAll(const std::vector<MountRequest>& mounts, const std::string& rootfs);

// Everything mounted at or below `path`, deepest first. EBUSY for 2.5 s ends in a lazy unmount.
Status UnmountAll(const std::string& path);
// Whether anything is mounted at or below `path`.
bool AnyMountAt(const std::string& path);

}  // namespace vortex::shim
