// SPDX-License-Identifier: Apache-2.0
// What an import will write, worked out from the archive before containerd is asked for anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/cancellation.h"
#include "client/import/archive.h"
#include "client/import/json_model.h"
#include "client/types.h"

namespace vortex::client::importing {

struct PlannedBlob {
  Descriptor descriptor;
  Labels labels;      // containerd's references to the children
  std::string path;   // in the archive; empty: `bytes` are the blob
  std::string bytes;  // verified against the descriptor
  bool is_layer = false;
};

struct PlannedImage {
  std::string name;
  Descriptor target;
  std::vector<PlannedBlob> blobs;  // children before their parents, each digest once
  Descriptor manifest;             // of this machine's platform, and what it lists:
  Descriptor config;
  std::vector<Descriptor> layers;
  std::vector<std::string> diff_ids;
};

// Reads every JSON document on the way from the archive's entry point to its layers, verifies each
// against its descriptor, checks that every layer is there with its size, and names the images.
//   name    for an archive with a single image; empty: the archive's own names.
//   Errors  InvalidArgument: malformed, no image for this machine, no name, a missing or cut file;
//           FailedPrecondition: a digest does not match; Cancelled.
absl::StatusOr<std::vector<PlannedImage>> PlanImport(const Archive& archive,
                                                     const std::string& name,
                                                     const base::Cancellation* cancel);

// Where an image layout keeps a blob: "blobs/sha256/<hex>".
std::string BlobPath(const std::string& digest);

// A JSON blob of an image layout, checked against its descriptor. `what` names it in errors.
absl::StatusOr<std::string> ReadBlob(const Archive& archive, const Descriptor& descriptor,
                                     std::string_view what);

// Part of both formats: one manifest with its config and layers.
struct ManifestParts {
  Descriptor manifest;
  std::string manifest_bytes;
  ManifestDocument document;
  std::string config_bytes;
  ConfigDocument config;
  std::vector<std::string> layer_paths;  // in the archive, as many as the document has layers
};
// Appends config, layers and manifest to `image` and sets its manifest, config, layers and
// diff_ids.
//   Errors  InvalidArgument: layers and diff ids do not pair up, a layer is missing or has another
//   size.
absl::Status AppendManifest(const Archive& archive, ManifestParts parts, PlannedImage& image);

}  // namespace vortex::client::importing
