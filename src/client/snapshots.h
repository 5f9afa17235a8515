// SPDX-License-Identifier: Apache-2.0
//   Source  containerd api/services/snapshots/v1/snapshots.proto
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace vortex::client {

class Connection;

enum class SnapshotKind { kUnknown, kView, kActive, kCommitted };

struct SnapshotInfo {
  std::string name{};
  std::string parent{};
  SnapshotKind kind = SnapshotKind::kUnknown;
  Labels labels{};
  Time created_at{};
  Time updated_at{};
};

struct SnapshotUsage {
  std::int64_t bytes = 0;
  std::int64_t inodes = 0;
};

class Snapshots {
 public:
  explicit Snapshots(Connection& connection) : connection_(connection) {}

  // Writable snapshot `key` on top of `parent` (empty: none). Returns what to mount.
  absl::StatusOr<std::vector<Mount>> Prepare(const std::string& snapshotter, const std::string& key,
                                             const std::string& parent, const Labels& labels = {},
                                             const CallOptions& options = {});
  // The same, read-only.
  absl::StatusOr<std::vector<Mount>> View(const std::string& snapshotter, const std::string& key,
                                          const std::string& parent, const Labels& labels = {},
                                          const CallOptions& options = {});
  absl::StatusOr<std::vector<Mount>> Mounts(const std::string& snapshotter, const std::string& key,
                                            const CallOptions& options = {});
  absl::Status Commit(const std::string& snapshotter, const std::string& name,
                      const std::string& key, const Labels& labels = {},
                      const CallOptions& options = {});
  absl::Status Remove(const std::string& snapshotter, const std::string& key,
                      const CallOptions& options = {});
  absl::StatusOr<SnapshotInfo> Stat(const std::string& snapshotter, const std::string& key,
                                    const CallOptions& options = {});
  absl::StatusOr<SnapshotInfo> Update(const std::string& snapshotter, const SnapshotInfo& info,
                                      const std::vector<std::string>& field_paths,
                                      const CallOptions& options = {});
  absl::StatusOr<std::vector<SnapshotInfo>> List(const std::string& snapshotter,
                                                 const std::vector<std::string>& filters = {},
                                                 const CallOptions& options = {});
  absl::StatusOr<SnapshotUsage> Usage(const std::string& snapshotter, const std::string& key,
                                      const CallOptions& options = {});
  // Removes what failed removals have left. Unimplemented by some snapshotters (overlayfs of 1.6).
  absl::Status Cleanup(const std::string& snapshotter, const CallOptions& options = {});

 private:
  Connection& connection_;
};

}  // namespace vortex::client
