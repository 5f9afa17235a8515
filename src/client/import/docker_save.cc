// SPDX-License-Identifier: Apache-2.0
#include "client/import/docker_save.h"

#include <map>
#include <set>
#include <utility>

#include "base/sha256.h"
#include "base/status.h"
#include "client/import/archive_path.h"
#include "client/import/decompress.h"
#include "client/import/image_name.h"
#include "client/import/limits.h"
#include "client/import/media_types.h"
#include "client/import/platform.h"

namespace vortex::client::importing {
namespace {

// Opens a file that manifest.json names.
absl::StatusOr<ArchiveFile> OpenNamed(const Archive& archive, const std::string& path,
                                      const std::string& field) {
  absl::StatusOr<ArchiveFile> file = archive.Open(path);
  if (file.ok()) return file;
  const std::string where = fmt::format("{}: manifest.json: {}", archive.name(), field);
  if (absl::IsNotFound(file.status())) {
    return InvalidArgument("{}: \"{}\" is not in the archive", where, Printable(path));
  }
  return Annotate(file.status(), where);
}

absl::StatusOr<Descriptor> DescribeLayer(const ArchiveFile& file,
                                         const base::Cancellation* cancel) {
  Descriptor out;
  out.size = file.size();
  base::Sha256 hash;
  std::vector<char> buffer(256 * 1024);
  std::int64_t offset = 0;
  while (offset < file.size()) {
    if (cancel != nullptr && cancel->cancelled()) return absl::CancelledError("read layer");
    VX_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(offset, buffer.data(), buffer.size()));
    const std::string_view bytes(buffer.data(), n);
    if (offset == 0) {
      // Docker writes plain tars; other tools put compressed ones into the same format.
      const Compression compression = DetectCompression(bytes);
      out.media_type = kDockerLayer;
      if (compression == Compression::kGzip) out.media_type += ".gzip";
      if (compression == Compression::kZstd) out.media_type += ".zstd";
    }
    hash.Update(bytes);
    offset += static_cast<std::int64_t>(n);
  }
  if (out.size == 0) return InvalidArgument("layer is an empty file");
  out.digest = hash.FinishDigest();
  return out;
}

absl::StatusOr<std::vector<std::string>> NamesOf(const Archive& archive,
                                                 const DockerSaveEntry& entry, std::size_t position,
                                                 const std::string& name) {
  if (!name.empty()) return std::vector<std::string>{name};
  std::set<std::string> names;  // "alpine" and "docker.io/library/alpine:latest" are one
  for (const std::string& tag : entry.repo_tags) {
    VX_RETURN_IF_ERROR(Annotate(CheckImageName(tag), fmt::format("{}: manifest.json: [{}].RepoTags",
                                                                 archive.name(), position)));
    names.insert(NormaliseDockerName(tag));
  }
  if (names.empty()) {
    return InvalidArgument("{}: manifest.json: [{}].RepoTags: the image has no name; pass one",
                           archive.name(), position);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace

absl::StatusOr<std::vector<PlannedImage>> PlanDockerSave(const Archive& archive,
                                                         const std::string& name,
                                                         const base::Cancellation* cancel) {
  const std::string where = fmt::format("{}: manifest.json", archive.name());
  VX_ASSIGN_OR_RETURN(const ArchiveFile list_file, archive.Open("manifest.json"));
  VX_ASSIGN_OR_RETURN(const std::string list_text, list_file.ReadAll(kMaxJsonBytes));
  VX_ASSIGN_OR_RETURN(const std::vector<DockerSaveEntry> entries,
                      ParseDockerSave(list_text, where));

  std::vector<PlannedImage> out;
  std::map<std::string, Descriptor> described;  // images of one archive share layers
  std::set<std::string> others;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const DockerSaveEntry& entry = entries[i];
    ManifestParts parts;
    VX_ASSIGN_OR_RETURN(const ArchiveFile config,
                        OpenNamed(archive, entry.config, fmt::format("[{}].Config", i)));
    VX_ASSIGN_OR_RETURN(parts.config_bytes, config.ReadAll(kMaxJsonBytes));
    VX_ASSIGN_OR_RETURN(
        parts.config, ParseConfig(parts.config_bytes,
                                  fmt::format("{}: {}", archive.name(), Printable(entry.config))));
    if (!PlatformRank(HostPlatform(), parts.config.platform)) {
      others.insert(parts.config.platform.ToString());
      continue;
    }
    parts.document.config = {kDockerConfig,
                             base::Sha256::Digest(parts.config_bytes),
                             static_cast<std::int64_t>(parts.config_bytes.size()),
                             {}};
    for (std::size_t l = 0; l < entry.layers.size(); ++l) {
      const std::string& path = entry.layers[l];
      auto known = described.find(path);
      if (known == described.end()) {
        const std::string field = fmt::format("[{}].Layers[{}]", i, l);
        VX_ASSIGN_OR_RETURN(const ArchiveFile file, OpenNamed(archive, path, field));
        absl::StatusOr<Descriptor> layer = DescribeLayer(file, cancel);
        if (!layer.ok()) return Annotate(layer.status(), fmt::format("{}: {}", where, field));
        known = described.emplace(path, *std::move(layer)).first;
      }
      parts.document.layers.push_back(known->second);
      parts.layer_paths.push_back(path);
    }
    parts.manifest_bytes = WriteDockerManifest(parts.document.config, parts.document.layers);
    parts.manifest = {kDockerManifest,
                      base::Sha256::Digest(parts.manifest_bytes),
                      static_cast<std::int64_t>(parts.manifest_bytes.size()),
                      {}};
    PlannedImage image;
    image.target = parts.manifest;
    VX_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesOf(archive, entry, i, name));
    VX_RETURN_IF_ERROR(AppendManifest(archive, std::move(parts), image));
    for (const std::string& each : names) {
      VX_RETURN_IF_ERROR(CheckImageName(each));
      image.name = each;
      out.push_back(image);
    }
  }
  if (out.empty()) {
    return InvalidArgument("{}: no image for {} in it (it has {})", archive.name(),
                           HostPlatform().ToString(), others.empty() ? "nothing" : *others.begin());
  }
  if (!name.empty() && out.size() > 1) {
    return InvalidArgument("{}: {} images for the one name {}; import it without a name", where,
                           out.size(), name);
  }
  return out;
}

}  // namespace vortex::client::importing
