// SPDX-License-Identifier: Apache-2.0
#include "sandbox/gc.h"

#include <set>

#include "base/status.h"
#include "sandbox/bundle_store.h"
#include "sandbox/labels.h"
#include "sandbox/reclaim.h"
#include "sandbox/rootfs.h"
#include "sandbox/run_dir.h"

namespace vortex::sandbox {
namespace {

// Every run id that anything of ours still carries. A cgroup needs no look of its own: the run
// directory is removed after it.
absl::StatusOr<std::set<std::string>> AllRuns(client::Client& client,
                                              const EmbeddedOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto dirs, RunDir::List(options.state_dir));
  std::set<std::string> ids(dirs.begin(), dirs.end());
  VX_ASSIGN_OR_RETURN(const auto containers,
                      client.containers().List({fmt::format("labels.\"{}\"", kRunIdLabel)}));
  for (const client::Container& container : containers) {
    // Another installation on the same containerd has its own state directory and collects its own.
    const auto owner = container.labels.find(kStateDirLabel);
    if (owner != container.labels.end() && owner->second == options.state_dir)
      ids.insert(container.id);
  }
  return ids;
}

}  // namespace

absl::StatusOr<std::vector<CollectedItem>> CollectRuns(client::Client& client,
                                                       const CgroupHost& cgroups,
                                                       const EmbeddedOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto ids, AllRuns(client, options));
  std::vector<CollectedItem> out;
  for (const std::string& id : ids) {
    auto dir = RunDir::Adopt(options.state_dir, id);
    if (absl::IsUnavailable(dir.status())) continue;  // its owner lives
    if (absl::IsNotFound(dir.status())) {
      // A run that ended by itself since we looked.
      if (absl::IsNotFound(client.containers().Get(id).status())) continue;
      // Remains without a directory: take the name, so that two collectors do not meet.
      dir = RunDir::Create(options.state_dir, id);
    }
    CollectedItem item{"run", id, {}, {}};
    if (!dir.ok()) {
      item.leftovers.push_back(std::string(Message(dir.status())));
    } else {
      Reclaimed reclaimed =
          ReclaimRun(&client, cgroups, options.cgroup_parent + "/" + id, id, *dir);
      item.removed = std::move(reclaimed.removed);
      item.leftovers = std::move(reclaimed.leftovers);
    }
    out.push_back(std::move(item));
  }
  return out;
}

absl::StatusOr<std::vector<CollectedItem>> CollectGarbage(client::Client& client,
                                                          const CgroupHost& cgroups,
                                                          const EmbeddedOptions& options,
                                                          std::chrono::hours bundle_age) {
  VX_ASSIGN_OR_RETURN(std::vector<CollectedItem> out, CollectRuns(client, cgroups, options));
  VX_ASSIGN_OR_RETURN(const auto views, CollectViews(client, options.snapshotter));
  for (const std::string& view : views) out.push_back({"view", view, {"snapshot"}, {}});
  VX_ASSIGN_OR_RETURN(const auto bundles,
                      BundleStore(options.data_dir + "/bundles").Collect(bundle_age));
  for (const std::string& bundle : bundles) out.push_back({"bundle", bundle, {"copy"}, {}});
  return out;
}

}  // namespace vortex::sandbox
