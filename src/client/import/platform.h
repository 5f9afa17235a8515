// SPDX-License-Identifier: Apache-2.0
// Which of an image's variants runs on this machine.
//   Source  image-spec image-index.md, "platform" and "Platform Variants"
#pragma once

#include <optional>
#include <string>

namespace vortex::client::importing {

struct Platform {
  std::string os;            // "linux"
  std::string architecture;  // as Go names it: "amd64", "arm64", …
  std::string variant;       // "v7", or empty

  std::string ToString() const;
};

// uname(2) for the architecture; for amd64 and arm the highest variant this CPU runs.
const Platform& HostPlatform();

// How well an image for `offered` suits a machine that is `host`: a higher number is better,
// nothing: it does not run. An empty variant means the lowest of amd64, v8 of arm64, v7 of arm.
std::optional<int> PlatformRank(const Platform& host, const Platform& offered);

}  // namespace vortex::client::importing
