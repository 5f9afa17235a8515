// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "base/status.h"
#include "client/import.h"
#include "client/import/blob_writer.h"
#include "client/import/disk_full.h"
#include "client/import/import_lease.h"
#include "client/import/plan.h"
#include "client/import/unpack.h"

namespace vortex::client {
namespace {

using importing::Archive;
using importing::ImportLease;
using importing::PlannedBlob;
using importing::PlannedImage;

std::string HumanSize(std::int64_t bytes) {
  if (bytes >= 1 << 20) return fmt::format("{} MiB", bytes >> 20);
  if (bytes >= 1 << 10) return fmt::format("{} KiB", bytes >> 10);
  return fmt::format("{} bytes", bytes);
}

// The same for the same images, whatever file they came from.
std::string KeyOf(const std::vector<PlannedImage>& images) {
  std::string all;
  for (const PlannedImage& image : images) all += image.target.digest + "\n";
  return base::Sha256::Digest(all).substr(7, 16);
}

absl::StatusOr<ImportedImage> ImportOne(Client& client, const Archive& archive,
                                        const PlannedImage& image, const std::string& lease,
                                        const ImportOptions& options) {
  for (const PlannedBlob& blob : image.blobs) {
    const std::string what = fmt::format("{} {} {}", blob.is_layer ? "layer" : "blob",
                                         blob.descriptor.digest, HumanSize(blob.descriptor.size));
    importing::WriteBlobOptions write{.lease = lease, .cancel = options.cancel, .on_progress = {}};
    write.on_progress = [&](std::int64_t done) {
      if (options.on_progress) {
        options.on_progress({.what = what, .done = done, .total = blob.descriptor.size});
      }
    };
    VX_RETURN_IF_ERROR(WriteBlob(client, archive, blob, write));
  }
  ImportedImage out{.name = image.name, .target = image.target, .chain_id = ""};
  if (options.unpack) {
    const importing::UnpackRequest request{
        .layers = image.layers, .diff_ids = image.diff_ids, .config = image.config, .lease = lease};
    VX_ASSIGN_OR_RETURN(out.chain_id, UnpackLayers(client, request, options));
  }
  // Last: an image that others can see is whole.
  Image record;
  record.name = image.name;
  record.target = image.target;
  const absl::StatusOr<Image> put =
      client.images().Put(record, {.lease = lease, .cancel = options.cancel});
  VX_RETURN_IF_ERROR(
      importing::MapDiskFull(put.status(), fmt::format("record image {}", image.name)));
  return out;
}

absl::StatusOr<std::vector<ImportedImage>> ImportAll(Client& client, const Archive& archive,
                                                     const std::vector<PlannedImage>& images,
                                                     const std::string& lease,
                                                     const ImportOptions& options) {
  std::vector<ImportedImage> out;
  for (const PlannedImage& image : images) {
    absl::StatusOr<ImportedImage> imported = ImportOne(client, archive, image, lease, options);
    if (!imported.ok()) return Annotate(imported.status(), fmt::format("import {}", image.name));
    out.push_back(*std::move(imported));
  }
  return out;
}

}  // namespace

absl::StatusOr<std::vector<ImportedImage>> ImportImage(Client& client, const std::string& path,
                                                       const ImportOptions& options) {
  VX_ASSIGN_OR_RETURN(const std::unique_ptr<Archive> archive, Archive::Open(path, options.cancel));
  VX_ASSIGN_OR_RETURN(const std::vector<PlannedImage> images,
                      PlanImport(*archive, options.name, options.cancel));
  absl::StatusOr<ImportLease> lease = ImportLease::Begin(client, KeyOf(images), options.cancel);
  VX_RETURN_IF_ERROR(importing::MapDiskFull(lease.status(), "import " + path));
  absl::StatusOr<std::vector<ImportedImage>> imported =
      ImportAll(client, *archive, images, lease->id(), options);
  if (imported.ok()) {
    lease->Finish();
  } else if (importing::IsResumable(imported.status())) {
    lease->KeepForResume();
  } else {
    lease->Abandon();
  }
  return imported;
}

}  // namespace vortex::client
