// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/client.h"

namespace vortex::sandbox {

// What a run needs of the runtime image.
struct RootFs {
  std::string image_digest;
  std::vector<client::Mount> mounts;  // read-only; shared by all runs of the image
};

// One read-only view per image, not a snapshot per run: nothing is written to a plugin's root, and
// each metadata write costs containerd an fsync. The view is named by the image's chain id and is a
// root for containerd's garbage collector until CollectViews takes it away. Thread-safe.
class RootFsCache {
 public:
  explicit RootFsCache(std::string snapshotter) : snapshotter_(std::move(snapshotter)) {}

  // Errors  FailedPrecondition: no such image; the message says how to get it.
  absl::StatusOr<RootFs> Get(client::Client& client, const std::string& image,
                             const client::CallOptions& options);
  // The next Get looks again: containerd may have been restarted or the view removed.
  void Forget(const std::string& image);

 private:
  std::string snapshotter_;
  std::mutex mutex_;
  std::map<std::string, RootFs> known_;
};

// Removes views whose image is gone. Returns the keys of what was removed.
absl::StatusOr<std::vector<std::string>> CollectViews(client::Client& client,
                                                      const std::string& snapshotter);

}  // namespace vortex::sandbox
