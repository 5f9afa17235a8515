// SPDX-License-Identifier: Apache-2.0
//   Source  moby image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format"
#pragma once

#include <string>
#include <vector>

#include "client/import/plan.h"

namespace vortex::client::importing {

// PlanImport for an archive with a "manifest.json" and no "oci-layout": the manifest it does not
// have is made from its config and the digests of its layers, which are read for that. The same
// archive always gives the same manifest.
absl::StatusOr<std::vector<PlannedImage>> PlanDockerSave(const Archive& archive,
                                                         const std::string& name,
                                                         const base::Cancellation* cancel);

}  // namespace vortex::client::importing
