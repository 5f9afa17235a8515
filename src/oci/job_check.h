// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "oci/job.h"

namespace vortex::oci {

// Every string and number of the job, by itself and against the others. InvalidArgument names field
// and value.
absl::Status CheckJob(const JobConfig& job);

}  // namespace vortex::oci
