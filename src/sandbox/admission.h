// SPDX-License-Identifier: Apache-2.0
// The gate's question put to this node: what it must know of it, and what this version cannot do
// yet.
#pragma once

#include "absl/status/status.h"
#include "policy/gate.h"
#include "sandbox/bundle.h"
#include "sandbox/embedded_runner.h"
#include "sandbox/runner.h"

namespace vortex::sandbox {

// Today, and which runtime classes are ready here. Looks only.
policy::NodeFacts ReadNodeFacts(const EmbeddedOptions& options);

// The gate's decision about one run, under the policy of the options. A grant that this version
// cannot put in force is refused here by name, never run without it.
policy::Decision Admission(const EmbeddedOptions& options, const RunRequest& request,
                           const Bundle& bundle);

}  // namespace vortex::sandbox
