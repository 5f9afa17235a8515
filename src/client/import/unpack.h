// SPDX-License-Identifier: Apache-2.0
// Turns layers into a chain of committed snapshots, each named by its chain id. Many clients may do
// so at once: each extracts under a key of its own and the first to commit wins.
//   Source  image-spec config.md, "Layer ChainID"; containerd docs/content-flow.md,
//   docs/garbage-collection.md
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/import.h"

namespace vortex::client::importing {

struct UnpackRequest {
  std::vector<Descriptor> layers;     // lowest first, in the content store
  std::vector<std::string> diff_ids;  // as many
  Descriptor config;                  // its content keeps the top snapshot from then on
  std::string lease;                  // holds the snapshots until the image record does; not empty
};

// Returns the chain id of the top layer; empty for an image without layers.
//   Errors  FailedPrecondition: a layer unpacks to another diff id than the config says;
//   ResourceExhausted:
//           disk full; Cancelled; containerd's own. A failed layer leaves no snapshot behind.
absl::StatusOr<std::string> UnpackLayers(Client& client, const UnpackRequest& request,
                                         const ImportOptions& options);

}  // namespace vortex::client::importing
