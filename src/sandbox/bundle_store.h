// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sandbox/bundle.h"

namespace vortex::sandbox {

// Copies of bundles by digest, <root>/<64 hex digits>/, because a plugin runs under an id of its own and the source may
// be private or change during the run: what was hashed is what runs. Thread-safe, and safe between processes.
class BundleStore {
 public:
  explicit BundleStore(std::string root) : root_(std::move(root)) {}

  // Hashes `source_dir` and copies it unless it is there already.
  //   NotFound         no such directory
  //   InvalidArgument  what CopyBundleTree and ReadBundleManifest refuse
  absl::StatusOr<Bundle> Add(const std::string& source_dir);
  // A bundle that was added before. NotFound: it was not, or was collected since.
  absl::StatusOr<Bundle> Get(const std::string& digest);
  // Removes copies that no run began with for `age`, and half-made ones an hour old. `age` must be longer than the
  // largest budget, so that what a run has mounted stays. Returns the digests of what was removed.
  absl::StatusOr<std::vector<std::string>> Collect(std::chrono::seconds age);

 private:
  std::string PathOf(const std::string& digest) const;
  absl::StatusOr<Bundle> Open(const std::string& digest);

  std::string root_;
};

}  // namespace vortex::sandbox
