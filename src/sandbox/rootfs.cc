// SPDX-License-Identifier: Apache-2.0
#include "sandbox/rootfs.h"

#include <set>
#include <utility>

#include "base/status.h"
#include "client/import.h"

namespace vortex::sandbox {
namespace {

constexpr char kViewPrefix[] = "vortex-view-";
constexpr char kViewLabel[] = "io.vortex.view";

std::string ViewKey(const std::string& chain_id) { return kViewPrefix + chain_id; }

absl::StatusOr<std::vector<client::Mount>> EnsureView(client::Client& client,
                                                      const std::string& snapshotter,
                                                      const std::string& image,
                                                      const std::string& chain_id,
                                                      const client::CallOptions& options) {
  const std::string key = ViewKey(chain_id);
  auto mounts = client.snapshots().Mounts(snapshotter, key, options);
  if (mounts.ok() || !absl::IsNotFound(mounts.status())) return mounts;
  // Unpacks when that has not happened yet, or under another snapshotter.
  client::ImportOptions unpack;
  unpack.snapshotter = snapshotter;
  VX_RETURN_IF_ERROR(client::UnpackImage(client, image, unpack).status());
  const client::Labels labels = {{"containerd.io/gc.root", "io.vortex"}, {kViewLabel, image}};
  mounts = client.snapshots().View(snapshotter, key, chain_id, labels, options);
  // Another client made it in between.
  if (absl::IsAlreadyExists(mounts.status())) {
    return client.snapshots().Mounts(snapshotter, key, options);
  }
  return mounts;
}

}  // namespace

absl::StatusOr<RootFs> RootFsCache::Get(client::Client& client, const std::string& image,
                                        const client::CallOptions& options) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = known_.find(image); it != known_.end()) return it->second;
  }
  auto config = client::ReadImageConfig(client, image, options);
  if (absl::IsNotFound(config.status())) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "image {}: not in containerd namespace {}; build and import it with "
                 "`vortexctl image build`",
                 image, client.options().containerd_namespace);
  }
  VX_RETURN_IF_ERROR(config.status());
  RootFs rootfs;
  rootfs.image_digest = config->manifest_digest;
  VX_ASSIGN_OR_RETURN(rootfs.mounts, EnsureView(client, snapshotter_, image,
                                                client::ChainId(config->diff_ids), options));
  const std::lock_guard lock(mutex_);
  known_[image] = rootfs;
  return rootfs;
}

void RootFsCache::Forget(const std::string& image) {
  const std::lock_guard lock(mutex_);
  known_.erase(image);
}

absl::StatusOr<std::vector<std::string>> CollectViews(client::Client& client,
                                                      const std::string& snapshotter) {
  std::set<std::string> needed;
  VX_ASSIGN_OR_RETURN(const auto images, client.images().List());
  for (const client::Image& image : images) {
    // An image that cannot be read (another platform's, say) has no view of ours.
    const auto config = client::ReadImageConfig(client, image.name);
    if (config.ok()) needed.insert(ViewKey(client::ChainId(config->diff_ids)));
  }
  std::vector<std::string> removed;
  VX_ASSIGN_OR_RETURN(const auto snapshots, client.snapshots().List(snapshotter));
  for (const client::SnapshotInfo& snapshot : snapshots) {
    if (!snapshot.labels.contains(kViewLabel) || needed.contains(snapshot.name)) continue;
    VX_RETURN_IF_ERROR(client.snapshots().Remove(snapshotter, snapshot.name));
    removed.push_back(snapshot.name);
  }
  return removed;
}

}  // namespace vortex::sandbox
