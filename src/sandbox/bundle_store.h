// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sandbox/bundle.h"

namespace vortex::sandbox {

// Copies of bundles by digest, <root>/<64 hex digits>/, because a plugin runs under an id of its
// own and the source may be private or change during the run: what was hashed is what runs.
// Thread-safe, and safe between processes; blocking.
//
//   BundleStore store("/var/lib/vortex/bundles");
//   VX_ASSIGN_OR_RETURN(const Bundle bundle, store.Add("examples/word-count"));
class BundleStore {
 public:
  explicit BundleStore(std::string root) : root_(std::move(root)) {}

  // Hashes `source_dir` and copies it unless it is there already. An error leaves nothing behind;
  // a killed process leaves a part that Collect removes.
  //   NotFound           no such directory
  //   InvalidArgument    what CopyBundleTree and ReadBundleManifest refuse
  //   ResourceExhausted  no space for the copy
  absl::StatusOr<Bundle> Add(const std::string& source_dir);
  // A bundle that was added before. NotFound: it was not, or was collected since.
  absl::StatusOr<Bundle> Get(const std::string& digest);
  // Hashes a stored copy again. DataLoss: it is not what its name says; names both digests.
  absl::Status Verify(const std::string& digest);
  // Removes copies that no run began with for `age` and whose digest is not in `in_use`, and
  // half-made ones an hour old. What Add or Get returned less than `age` ago always stays, so
  // without `in_use`, `age` must be longer than the largest budget. Returns the digests of what was
  // removed.
  absl::StatusOr<std::vector<std::string>> Collect(std::chrono::seconds age,
                                                   const std::set<std::string>& in_use = {});

 private:
  std::string PathOf(const std::string& digest) const;
  absl::StatusOr<Bundle> Open(const std::string& digest);
  absl::StatusOr<std::string> Copy(int source_fd, const std::string& source_dir);
  absl::StatusOr<bool> Retire(const std::string& name, std::chrono::seconds age,
                              const std::string& trash);

  std::string root_;
};

}  // namespace vortex::sandbox
