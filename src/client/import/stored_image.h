// SPDX-License-Identifier: Apache-2.0
// An image as it lies in containerd, read for this machine's platform.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/import/json_model.h"

namespace vortex::client::importing {

struct StoredImage {
  Descriptor manifest_descriptor;
  ManifestDocument manifest;
  ConfigDocument config;
};

//   Errors  NotFound: no such image, or part of it is not in the content store; FailedPrecondition:
//   it has
//           nothing for this machine; InvalidArgument: malformed.
absl::StatusOr<StoredImage> ReadStoredImage(Client& client, const std::string& image_name,
                                            const CallOptions& options);

}  // namespace vortex::client::importing
