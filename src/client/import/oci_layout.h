// SPDX-License-Identifier: Apache-2.0
//   Source  image-spec image-layout.md, image-index.md, annotations.md
#pragma once

#include <string>
#include <vector>

#include "client/import/plan.h"

namespace vortex::client::importing {

// PlanImport for an archive with an "oci-layout" file.
absl::StatusOr<std::vector<PlannedImage>> PlanOciLayout(const Archive& archive,
                                                        const std::string& name,
                                                        const base::Cancellation* cancel);

}  // namespace vortex::client::importing
