// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "policy/manifest.h"

namespace vortex::sandbox {

// A bundle in the store.
struct Bundle {
  std::string digest;  // "sha256:…", of the tree
  policy::Manifest manifest;
  std::string path;  // in the store; what is mounted at /plugin
};

// The manifest of the bundle directory, checked against what is in it: the entrypoint's module, or
// the command's program below /plugin, is there. `name` is for messages.
//   InvalidArgument  no manifest, a bad one, or one that names what is not there
absl::StatusOr<policy::Manifest> ReadBundleManifest(int dir_fd, const std::string& name);

}  // namespace vortex::sandbox
