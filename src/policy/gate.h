// SPDX-License-Identifier: Apache-2.0
// The gate decides what a plugin gets. Pure: no I/O, no clock.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "oci/runtime_class.h"
#include "policy/limits.h"
#include "policy/manifest.h"

namespace vortex::policy {

// The caller's side of a run. Limits may only narrow what the manifest (or the default) gives.
struct RunRequest {
  LimitRequest limits;
  oci::RuntimeClass runtime_class = oci::RuntimeClass::kRunc;
};

// One decision and the rule that made it, for the audit and for `explain`.
struct RuleDecision {
  std::string rule;     // "limits.memory.request"
  std::string outcome;  // "256m"; "none"
  std::string detail;   // what it was decided from: "default 256m, manifest 512m, request 256m"
};

// Whether denials are watched as they happen. Watching only tells: what it does not see is denied
// all the same.
struct Watch {
  bool network = true;
  bool filesystem = true;
};

struct Grant {
  std::string plugin_id;
  std::string plugin_version;
  oci::RuntimeClass runtime_class = oci::RuntimeClass::kRunc;
  LimitRequest requested;  // what was asked for: the request over the manifest
  LimitSet limits;         // what is given
  // Hosts that the plugin may reach, through the egress proxy; empty: nothing but its own lo.
  std::vector<NetworkRule> network;
  std::vector<std::string> capabilities;  // "CAP_NET_BIND_SERVICE"
  Watch watch;
  std::vector<RuleDecision> rules;
};

// Errors carry the rule in front: "[limits.memory.request] …".
//   InvalidArgument   a limit is out of range, or a request would widen one
//   PermissionDenied  the manifest asks for something that needs an operator's allowlist entry
absl::StatusOr<Grant> Gate(const Manifest& manifest, const RunRequest& request);

}  // namespace vortex::policy
