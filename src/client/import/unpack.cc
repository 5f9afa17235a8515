// SPDX-License-Identifier: Apache-2.0
#include "client/import/unpack.h"

#include <utility>

#include "base/files.h"
#include "base/status.h"
#include "client/import/disk_full.h"
#include "client/import/import_lease.h"
#include "client/import/stored_image.h"

namespace vortex::client {
namespace importing {
namespace {

constexpr std::chrono::milliseconds kCleanUpTimeout{10'000};

std::string SnapshotLabel(const std::string& snapshotter) {
  return "containerd.io/gc.ref.snapshot." + snapshotter;
}

class Unpacker {
 public:
  Unpacker(Client& client, const UnpackRequest& request, const ImportOptions& options)
      : client_(client), request_(request), options_(options) {}

  absl::StatusOr<std::string> Run() {
    std::string parent;
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < request_.layers.size(); ++i) {
      ids.push_back(request_.diff_ids[i]);
      const std::string chain_id = ChainId(ids);
      Progress(i, 0);
      VX_RETURN_IF_ERROR(MapDiskFull(Layer(i, chain_id, parent),
                                     fmt::format("unpack layer {}", request_.layers[i].digest)));
      Progress(i, request_.layers[i].size);
      parent = chain_id;
    }
    if (!parent.empty()) {
      VX_RETURN_IF_ERROR(
          SetLabel(request_.config.digest, SnapshotLabel(options_.snapshotter), parent));
    }
    return parent;
  }

 private:
  CallOptions Options(std::chrono::milliseconds timeout = std::chrono::seconds(30)) const {
    return {.timeout = timeout, .lease = request_.lease, .cancel = options_.cancel};
  }

  void Progress(std::size_t layer, std::int64_t done) const {
    if (!options_.on_progress) return;
    options_.on_progress(
        {.what = fmt::format("unpack layer {} ({} of {})", request_.layers[layer].digest, layer + 1,
                             request_.layers.size()),
         .done = done,
         .total = request_.layers[layer].size});
  }

  absl::Status Layer(std::size_t i, const std::string& chain_id, const std::string& parent) {
    if (options_.cancel != nullptr && options_.cancel->cancelled()) {
      return absl::CancelledError("unpack layer " + request_.layers[i].digest);
    }
    // Into the lease before the question, so that an existing one is not collected after it.
    VX_RETURN_IF_ERROR(client_.leases().AddResource(
        request_.lease, {.id = chain_id, .type = "snapshots/" + options_.snapshotter}, Options()));
    const auto existing = client_.snapshots().Stat(options_.snapshotter, chain_id, Options());
    if (existing.ok()) return absl::OkStatus();
    if (!absl::IsNotFound(existing.status())) return existing.status();

    const std::string key = fmt::format("extract-{} {}", base::RandomHex(8), chain_id);
    // The label makes containerd answer AlreadyExists once another client has committed this layer.
    auto mounts = client_.snapshots().Prepare(
        options_.snapshotter, key, parent, {{"containerd.io/snapshot.ref", chain_id}}, Options());
    if (absl::IsAlreadyExists(mounts.status())) return absl::OkStatus();
    const absl::Status done = mounts.ok() ? Extract(i, chain_id, key, *mounts) : mounts.status();
    if (done.ok()) return done;
    // Whatever went wrong (a Prepare with an unknown outcome too), the key must not stay.
    (void)client_.snapshots().Remove(options_.snapshotter, key,
                                     {.timeout = kCleanUpTimeout, .lease = ""});
    return absl::IsAlreadyExists(done) ? absl::OkStatus() : done;
  }

  // AlreadyExists: another client was faster, which is fine.
  absl::Status Extract(std::size_t i, const std::string& chain_id, const std::string& key,
                       const std::vector<Mount>& mounts) {
    const Descriptor& layer = request_.layers[i];
    // At least half a mebibyte of compressed layer a second.
    const auto timeout = std::chrono::minutes(2) + std::chrono::milliseconds(layer.size / 512);
    VX_ASSIGN_OR_RETURN(const Descriptor applied,
                        client_.diff().Apply(layer, mounts, Options(timeout)));
    if (applied.digest != request_.diff_ids[i]) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   "layer {} unpacks to {}, but the image's config says {}", layer.digest,
                   applied.digest, request_.diff_ids[i]);
    }
    VX_RETURN_IF_ERROR(
        client_.snapshots().Commit(options_.snapshotter, chain_id, key, {}, Options()));
    // As containerd's own client does: other tools find the diff id of a layer by it.
    return SetLabel(layer.digest, "containerd.io/uncompressed", request_.diff_ids[i]);
  }

  absl::Status SetLabel(const std::string& digest, const std::string& key,
                        const std::string& value) {
    ContentInfo update;
    update.digest = digest;
    update.labels[key] = value;
    return client_.content().Update(update, {"labels." + key}, Options()).status();
  }

  Client& client_;
  const UnpackRequest& request_;
  const ImportOptions& options_;
};

// True when the image is unpacked and its config keeps the snapshots, so that there is nothing to
// do.
absl::StatusOr<bool> IsUnpacked(Client& client, const StoredImage& image,
                                const std::string& chain_id, const ImportOptions& options) {
  const CallOptions call{.lease = "", .cancel = options.cancel};
  VX_ASSIGN_OR_RETURN(const ContentInfo config,
                      client.content().Info(image.manifest.config.digest, call));
  const auto label = config.labels.find(SnapshotLabel(options.snapshotter));
  if (label == config.labels.end() || label->second != chain_id) return false;
  const auto stat = client.snapshots().Stat(options.snapshotter, chain_id, call);
  if (stat.ok()) return true;
  if (absl::IsNotFound(stat.status())) return false;
  return stat.status();
}

}  // namespace

absl::StatusOr<std::string> UnpackLayers(Client& client, const UnpackRequest& request,
                                         const ImportOptions& options) {
  return Unpacker(client, request, options).Run();
}

}  // namespace importing

absl::StatusOr<std::string> UnpackImage(Client& client, const std::string& image_name,
                                        const ImportOptions& options) {
  VX_ASSIGN_OR_RETURN(
      importing::StoredImage image,
      importing::ReadStoredImage(client, image_name, {.lease = "", .cancel = options.cancel}));
  const std::string chain_id = ChainId(image.config.diff_ids);
  if (chain_id.empty()) return chain_id;
  VX_ASSIGN_OR_RETURN(const bool unpacked, importing::IsUnpacked(client, image, chain_id, options));
  if (unpacked) return chain_id;
  VX_ASSIGN_OR_RETURN(importing::ImportLease lease,
                      importing::ImportLease::Begin(client, "", options.cancel));
  importing::UnpackRequest request{.layers = std::move(image.manifest.layers),
                                   .diff_ids = std::move(image.config.diff_ids),
                                   .config = image.manifest.config,
                                   .lease = lease.id()};
  VX_ASSIGN_OR_RETURN(std::string top, importing::UnpackLayers(client, request, options));
  lease.Finish();
  return top;
}

}  // namespace vortex::client
