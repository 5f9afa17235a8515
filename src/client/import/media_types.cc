// SPDX-License-Identifier: Apache-2.0
#include "client/import/media_types.h"

#include "base/status.h"
#include "client/import/archive_path.h"

namespace vortex::client::importing {

bool IsIndex(std::string_view media_type) {
  return media_type == kOciIndex || media_type == kDockerList;
}

bool IsManifest(std::string_view media_type) {
  return media_type == kOciManifest || media_type == kDockerManifest;
}

bool IsConfig(std::string_view media_type) {
  return media_type == kOciConfig || media_type == kDockerConfig;
}

absl::Status CheckLayerType(std::string_view media_type) {
  const std::string_view oci = kOciLayer;
  const std::string_view docker = kDockerLayer;
  std::string_view rest;
  if (media_type.substr(0, oci.size()) == oci) {
    rest = media_type.substr(oci.size());
    if (rest.empty() || rest == "+gzip" || rest == "+zstd") return absl::OkStatus();
  } else if (media_type.substr(0, docker.size()) == docker) {
    rest = media_type.substr(docker.size());
    // ".zstd" is no type of Docker's own, but buildkit writes it and containerd reads it.
    if (rest.empty() || rest == ".gzip" || rest == ".zstd") return absl::OkStatus();
  }
  const std::string shown = Printable(media_type);
  if (media_type.find("+encrypted") != std::string_view::npos) {
    return InvalidArgument("layer type {} is encrypted, which is not supported", shown);
  }
  if (media_type.find("foreign") != std::string_view::npos ||
      media_type.find("nondistributable") != std::string_view::npos) {
    return InvalidArgument("layer type {} is kept outside the image, which is not supported",
                           shown);
  }
  return InvalidArgument("layer type {} is not supported (tar, tar+gzip and tar+zstd are)", shown);
}

}  // namespace vortex::client::importing
