// SPDX-License-Identifier: Apache-2.0
// Finds and removes what killed clients left: run directories whose lock is free (and the task,
// container and cgroup of that name), containers of ours without a run directory, views of images
// that are gone, old bundle copies. Never touches what a live process holds, another containerd
// namespace, or objects without our labels.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/client.h"
#include "sandbox/cgroup.h"
#include "sandbox/embedded_runner.h"

namespace vortex::sandbox {

struct CollectedItem {
  std::string kind;  // "run", "view", "bundle"
  std::string name;
  std::vector<std::string> removed;
  std::vector<std::string> leftovers;  // empty: nothing of it is left
};

// Runs only.
absl::StatusOr<std::vector<CollectedItem>> CollectRuns(client::Client& client,
                                                       const CgroupHost& cgroups,
                                                       const EmbeddedOptions& options);

// Everything. Bundle copies not used for `bundle_age` go.
absl::StatusOr<std::vector<CollectedItem>> CollectGarbage(client::Client& client,
                                                          const CgroupHost& cgroups,
                                                          const EmbeddedOptions& options,
                                                          std::chrono::hours bundle_age);

}  // namespace vortex::sandbox
