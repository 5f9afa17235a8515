// SPDX-License-Identifier: Apache-2.0
// The gate's question put to this node: what it must know of it, and what granted devices are here.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "oci/cdi_edits.h"
#include "policy/gate.h"
#include "sandbox/bundle.h"
#include "sandbox/embedded_runner.h"
#include "sandbox/runner.h"

namespace vortex::sandbox {

// Today, and which runtime classes are ready here. Looks only.
policy::NodeFacts ReadNodeFacts(const EmbeddedOptions& options);

struct Admitted {
  policy::Decision decision;
  oci::CdiGrant devices;  // what the granted CDI names stand for on this node
};

// The gate's decision about one run, under the policy of the options. A granted device that this
// node cannot give is refused here by name (rule gpus.unresolved), never run without it. Reads the
// CDI files when there is a granted device.
Admitted Admission(const EmbeddedOptions& options, const RunRequest& request, const Bundle& bundle);

// Every run that is refused leaves the rule that refused it. The gate notes its own; this notes, as
// the last of `rules`, what came before the gate was asked ("request.not-runnable") or after it
// ("node.not-ready"). Nothing when a rule says already that it refused.
void NoteRefusal(const absl::Status& admitted, std::vector<policy::RuleDecision>& rules);

}  // namespace vortex::sandbox
