// SPDX-License-Identifier: Apache-2.0
// The JSON documents of an image, as plain structs. The JSON library is used, and its exceptions
// caught, in json_model.cc alone. Every parser is strict about the fields it reads and blind to
// others, as the image-spec asks ("Extensibility"). Errors are InvalidArgument and start with
// `name` and the field: "index.json: manifests[2].digest: missing".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "client/import/platform.h"
#include "client/types.h"

namespace vortex::client::importing {

struct IndexEntry {
  Descriptor descriptor;
  std::optional<Platform> platform;
};

// image-index.md; also the manifest list of Docker.
struct IndexDocument {
  std::vector<IndexEntry> manifests;
};
absl::StatusOr<IndexDocument> ParseIndex(std::string_view text, const std::string& name);

// manifest.md; also schema 2 of Docker.
struct ManifestDocument {
  // False for an artifact that only borrows the manifest format (its config is not an image's):
  // then the layers are left out.
  bool is_image = true;
  Descriptor config;
  std::vector<Descriptor> layers;
};
absl::StatusOr<ManifestDocument> ParseManifest(std::string_view text, const std::string& name);

// config.md
struct ConfigDocument {
  Platform platform;
  std::vector<std::string> diff_ids;
  std::vector<std::string> env;
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string working_dir;
  std::string user;
  Labels labels;
};
absl::StatusOr<ConfigDocument> ParseConfig(std::string_view text, const std::string& name);

// image-layout.md, "oci-layout file": checks imageLayoutVersion, "1.x.y".
absl::Status CheckOciLayout(std::string_view text, const std::string& name);

// `docker save`: moby image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format".
struct DockerSaveEntry {
  std::string config;  // path in the archive
  std::vector<std::string> repo_tags;
  std::vector<std::string> layers;  // paths in the archive, lowest first
};
absl::StatusOr<std::vector<DockerSaveEntry>> ParseDockerSave(std::string_view text,
                                                             const std::string& name);

// The bytes of a schema 2 manifest; the same input gives the same bytes.
std::string WriteDockerManifest(const Descriptor& config, const std::vector<Descriptor>& layers);

}  // namespace vortex::client::importing
