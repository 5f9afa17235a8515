// SPDX-License-Identifier: Apache-2.0
#include "client/import/plan.h"

#include <algorithm>
#include <utility>

#include "base/sha256.h"
#include "base/status.h"
#include "client/import/archive_path.h"
#include "client/import/docker_save.h"
#include "client/import/limits.h"
#include "client/import/oci_layout.h"

namespace vortex::client::importing {
namespace {

void AddOnce(PlannedImage& image, PlannedBlob blob) {
  const bool known = std::any_of(
      image.blobs.begin(), image.blobs.end(),
      [&](const PlannedBlob& other) { return other.descriptor.digest == blob.descriptor.digest; });
  if (!known) image.blobs.push_back(std::move(blob));
}

absl::StatusOr<bool> Has(const Archive& archive, const std::string& path) {
  const absl::StatusOr<ArchiveFile> file = archive.Open(path);
  if (file.ok()) return true;
  if (absl::IsNotFound(file.status())) return false;
  return file.status();
}

}  // namespace

std::string BlobPath(const std::string& digest) {
  return "blobs/sha256/" + digest.substr(digest.find(':') + 1);
}

absl::StatusOr<std::string> ReadBlob(const Archive& archive, const Descriptor& descriptor,
                                     std::string_view what) {
  const absl::StatusOr<ArchiveFile> file = archive.Open(BlobPath(descriptor.digest));
  if (absl::IsNotFound(file.status())) {
    return InvalidArgument("{}: {} {} is not in the archive", archive.name(), what,
                           descriptor.digest);
  }
  VX_RETURN_IF_ERROR(file.status());
  if (file->size() != descriptor.size) {
    return InvalidArgument("{}: {} {} has {} bytes, its descriptor says {}", archive.name(), what,
                           descriptor.digest, file->size(), descriptor.size);
  }
  VX_ASSIGN_OR_RETURN(std::string bytes, file->ReadAll(kMaxJsonBytes));
  if (const std::string digest = base::Sha256::Digest(bytes); digest != descriptor.digest) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "{}: {} {} is damaged: its bytes have the digest {}", archive.name(), what,
                 descriptor.digest, digest);
  }
  return bytes;
}

absl::Status AppendManifest(const Archive& archive, ManifestParts parts, PlannedImage& image) {
  const std::vector<Descriptor>& layers = parts.document.layers;
  if (layers.size() != parts.config.diff_ids.size()) {
    return InvalidArgument("{}: manifest {} has {} layers but its config {} has {} diff ids",
                           archive.name(), parts.manifest.digest, layers.size(),
                           parts.document.config.digest, parts.config.diff_ids.size());
  }
  PlannedBlob manifest{parts.manifest, {}, "", std::move(parts.manifest_bytes)};
  manifest.labels["containerd.io/gc.ref.content.config"] = parts.document.config.digest;
  AddOnce(image, {parts.document.config, {}, "", std::move(parts.config_bytes)});
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string what = fmt::format("layers[{}] {}", i, layers[i].digest);
    const absl::StatusOr<ArchiveFile> file = archive.Open(parts.layer_paths[i]);
    if (absl::IsNotFound(file.status())) {
      return InvalidArgument("{}: {} is not in the archive", archive.name(), what);
    }
    VX_RETURN_IF_ERROR(file.status());
    if (file->size() != layers[i].size) {
      return InvalidArgument("{}: {} has {} bytes, its descriptor says {}", archive.name(), what,
                             file->size(), layers[i].size);
    }
    manifest.labels[fmt::format("containerd.io/gc.ref.content.l.{}", i)] = layers[i].digest;
    AddOnce(image, {layers[i], {}, parts.layer_paths[i], "", true});
  }
  AddOnce(image, std::move(manifest));
  image.manifest = std::move(parts.manifest);
  image.config = parts.document.config;
  image.layers = layers;
  image.diff_ids = std::move(parts.config.diff_ids);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PlannedImage>> PlanImport(const Archive& archive,
                                                     const std::string& name,
                                                     const base::Cancellation* cancel) {
  // An archive that is both (docker 25 and newer write both) is read as a layout, which has
  // digests.
  VX_ASSIGN_OR_RETURN(const bool layout, Has(archive, "oci-layout"));
  if (layout) return PlanOciLayout(archive, name, cancel);
  VX_ASSIGN_OR_RETURN(const bool docker, Has(archive, "manifest.json"));
  if (docker) return PlanDockerSave(archive, name, cancel);
  return InvalidArgument(
      "{}: not an image archive: neither \"oci-layout\" (OCI image layout) nor \"manifest.json\" "
      "(docker save) "
      "is in it",
      archive.name());
}

}  // namespace vortex::client::importing
