// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "oci/seccomp_profile.h"
#include "oci/spec.h"

namespace vortex::oci {

// Turns what an observer is to see into SCMP_ACT_NOTIFY. It must refuse what the profile refuses
// and may let through only what the profile lets through, so the rules never widen it: calls that
// are watched leave the rules that allow or refuse them, and of calls that are allowed by arguments
// only others than those are watched. Nothing happens when nothing is watched.
void AddWatchRules(const SeccompNeeds& needs, Seccomp& profile);

// Calls that the profile refuses and that open a sandbox: worth a record. Their errno by name.
const std::vector<std::string>& TellingSyscalls();

}  // namespace vortex::oci
