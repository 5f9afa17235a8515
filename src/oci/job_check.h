// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "oci/job.h"

namespace vortex::oci {

// Every string and number of the job, by itself and against the others.
absl::Status CheckJob(const JobConfig& job);

// What the class cannot honour of what was granted is refused by name, never dropped.
absl::Status CheckClassHonours(const JobConfig& job);

}  // namespace vortex::oci
