// SPDX-License-Identifier: Apache-2.0
// Which media types are read, and what each one is.
//   Source  image-spec media-types.md; distribution "Image Manifest V 2, Schema 2"
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace vortex::client::importing {

inline constexpr char kOciIndex[] = "application/vnd.oci.image.index.v1+json";
inline constexpr char kOciManifest[] = "application/vnd.oci.image.manifest.v1+json";
inline constexpr char kOciConfig[] = "application/vnd.oci.image.config.v1+json";
inline constexpr char kOciLayer[] = "application/vnd.oci.image.layer.v1.tar";
inline constexpr char kDockerList[] = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr char kDockerManifest[] = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr char kDockerConfig[] = "application/vnd.docker.container.image.v1+json";
inline constexpr char kDockerLayer[] = "application/vnd.docker.image.rootfs.diff.tar";

bool IsIndex(std::string_view media_type);
bool IsManifest(std::string_view media_type);
bool IsConfig(std::string_view media_type);

// Ok for a layer that containerd can unpack: a tar, plain, gzip or zstd.
//   Errors  InvalidArgument, saying why this one cannot be used: encrypted, foreign (its bytes are
//   not part
//           of the image) or unknown.
absl::Status CheckLayerType(std::string_view media_type);

}  // namespace vortex::client::importing
