// SPDX-License-Identifier: Apache-2.0
// The jobs that the tests of the spec builder start from, and those whose specs are kept under
// oci-specs/golden.
#pragma once

#include <string>
#include <vector>

#include "oci/job.h"

namespace vortex::oci {

// What a test opens, it opens on purpose.
inline constexpr WeakensIsolation kForATest{"a test looks at what it opens"};

// What the runner makes of a Python plugin with the default limits.
JobConfig DefaultJob(RuntimeClass runtime_class = RuntimeClass::kRunc);

struct GoldenJob {
  std::string name;  // oci-specs/golden/<name>.json
  std::string why;   // what a reviewer sees in it
  JobConfig job;
};

// One for each class, and one for each thing that changes a spec. The first is what the others are
// compared with.
std::vector<GoldenJob> GoldenJobs();

}  // namespace vortex::oci
