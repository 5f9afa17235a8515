// SPDX-License-Identifier: Apache-2.0
// Names of images as containerd keeps them: "docker.io/library/alpine:3.18".
//   Source  distribution/reference, "Grammar"
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace vortex::client::importing {

// True for host/path:tag or host/path@digest, where the host has a dot or a port or is "localhost".
// A bare tag ("latest") or a short name ("alpine:3") is not: which registry it belongs to is not
// said.
bool IsFullImageName(std::string_view name);

// What docker means by a short name: "alpine:3" is "docker.io/library/alpine:3", "a/b" is
// "docker.io/a/b:latest".
std::string NormaliseDockerName(std::string_view name);

// InvalidArgument for an empty name, one longer than 1024 bytes, or one with blanks or control
// characters.
absl::Status CheckImageName(std::string_view name);

}  // namespace vortex::client::importing
