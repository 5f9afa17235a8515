// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "audit/log.h"
#include "client/client.h"
#include "sandbox/bundle_store.h"
#include "sandbox/cgroup.h"
#include "sandbox/embedded_runner.h"
#include "sandbox/metrics.h"
#include "sandbox/rootfs.h"

namespace vortex::sandbox {

// What all runs of a process share. Thread-safe; outlives them.
class Environment {
 public:
  Environment(EmbeddedOptions options, CgroupHost cgroups)
      : options_(std::move(options)),
        cgroups_(std::move(cgroups)),
        bundles_(options_.data_dir + "/bundles"),
        rootfs_(options_.snapshotter),
        metrics_(options_.metrics) {
    if (!options_.audit.directory.empty()) audit_ = std::make_unique<audit::Log>(options_.audit);
  }

  const EmbeddedOptions& options() const { return options_; }
  const CgroupHost& cgroups() const { return cgroups_; }
  BundleStore& bundles() { return bundles_; }
  RootFsCache& rootfs() { return rootfs_; }
  // Null: no audit log is configured.
  audit::Log* audit() { return audit_.get(); }
  Metrics& metrics() { return *metrics_; }

  // Connects on first use and makes sure that our containerd namespace exists; one connection for
  // all.
  absl::StatusOr<client::Client*> Client();
  // Finishes what killed clients left behind, once per process: before its first run.
  void ReclaimStaleOnce(client::Client& client);

  std::string CgroupsPath(const std::string& run_id) const {
    return options_.cgroup_parent + "/" + run_id;
  }

 private:
  const EmbeddedOptions options_;
  const CgroupHost cgroups_;
  BundleStore bundles_;
  RootFsCache rootfs_;
  std::shared_ptr<Metrics> metrics_;
  std::unique_ptr<audit::Log> audit_;
  std::mutex mutex_;
  std::shared_ptr<client::Client> client_;
  std::once_flag reclaimed_;
};

}  // namespace vortex::sandbox
