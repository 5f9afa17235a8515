// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/status.h"
#include "client/import.h"
#include "client/import/stored_image.h"

namespace vortex::client {

absl::StatusOr<ImageConfig> ReadImageConfig(Client& client, const std::string& image_name,
                                            const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(importing::StoredImage image,
                      importing::ReadStoredImage(client, image_name, options));
  ImageConfig out;
  out.manifest_digest = image.manifest_descriptor.digest;
  out.config_digest = image.manifest.config.digest;
  out.env = std::move(image.config.env);
  out.entrypoint = std::move(image.config.entrypoint);
  out.cmd = std::move(image.config.cmd);
  out.working_dir = std::move(image.config.working_dir);
  out.user = std::move(image.config.user);
  out.labels = std::move(image.config.labels);
  out.diff_ids = std::move(image.config.diff_ids);
  return out;
}

}  // namespace vortex::client
