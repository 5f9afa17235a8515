// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "oci/spec.h"
#include "policy/gate.h"
#include "sandbox/cgroup.h"
#include "sandbox/result.h"

namespace vortex::sandbox {

// FailedPrecondition names the first control that the kernel does not hold as the spec asks, with
// both values. The kernel rounds memory down to whole pages; a smaller value is in force then,
// never a larger one.
absl::Status CheckLimitsInForce(const oci::Resources& asked, const CgroupLimits& readback);

// Requested, effective, read back and used, limit by limit.
std::vector<LimitReport> MakeLimitReport(const policy::Grant& grant, const CgroupLimits& readback,
                                         const SandboxResult& result);

}  // namespace vortex::sandbox
