// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace vortex::cli {

// Files that vortexctl needs beside itself.
struct InstallPaths {
  std::string image_builder;  // images/python/build
  std::string init;           // the static init that goes into the image
};

// Looks beside the running binary: in an installation below ../share/vortex and ../libexec/vortex,
// in a build tree at the places of the build. NotFound names what is missing.
absl::StatusOr<InstallPaths> FindInstallPaths();

}  // namespace vortex::cli
