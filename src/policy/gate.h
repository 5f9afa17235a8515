// SPDX-License-Identifier: Apache-2.0
// The gate decides what a plugin gets. Pure: no I/O, no clock; what it must know of the node is an
// argument.
//
//   const policy::Decision decision = policy::Gate(manifest, request, policy, facts);
//   if (!decision.grant.ok()) Tell(decision.grant.status(), decision.rules);
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "oci/job.h"
#include "oci/runtime_class.h"
#include "policy/limits.h"
#include "policy/manifest.h"
#include "policy/policy.h"

namespace vortex::policy {

// The caller's side of a run. It may only narrow what manifest and policy give.
struct RunRequest {
  LimitRequest limits;
  // Absent: the node's default if the policy allows it, else the first that it allows and that is
  // ready.
  std::optional<oci::RuntimeClass> runtime_class;
};

// A runtime class on this node.
struct ClassFact {
  oci::RuntimeClass runtime_class = oci::RuntimeClass::kRunc;
  std::string problem;  // why it is not ready; empty: it is
};

struct NodeFacts {
  // UTC. The default lets every entry with a date be expired: forgetting it never opens anything.
  std::chrono::sys_days today = std::chrono::sys_days::max();
  // Of the bundle that would run. Empty, not known: entries of trust and allow that name a digest
  // do not apply, those of deny do.
  std::string bundle_digest;
  std::vector<ClassFact> classes;  // one that is missing here is not ready
  oci::RuntimeClass default_class = oci::RuntimeClass::kRunc;
};

// One decision and the rule that made it, for the audit and for `explain`.
struct RuleDecision {
  std::string rule;      // "limits.memory.request"
  std::string outcome;   // "256m"; "none"; "refused"
  std::string detail;    // what it was decided from: "default 256m, manifest 512m, request 256m"
  std::string position;  // of the policy: "policy.yaml:14", "built in"
};

struct Grant {
  std::string plugin_id;
  std::string plugin_version;
  bool trusted = false;
  oci::RuntimeClass runtime_class = oci::RuntimeClass::kRunc;
  LimitRequest requested;  // what was asked for: the request over the manifest
  LimitSet limits;         // what is given
  // Hosts that the plugin may reach, through the egress proxy; empty: nothing but its own lo.
  std::vector<NetworkRule> network;
  // Hosts that the operator denies, within the wildcards above; they win.
  std::vector<std::string> denied_hosts;
  std::vector<std::string> capabilities;  // "CAP_NET_BIND_SERVICE"
  std::vector<std::string> gpus;          // CDI names
  std::vector<oci::MountGrant> mounts;
  Watch watch;
};

struct Decision {
  // Errors carry the rule in front: "[limits.memory.request] …".
  //   InvalidArgument     a limit is out of range, or a request would widen one
  //   PermissionDenied    the policy does not allow it; the message says what would
  //   FailedPrecondition  the policy allows it, but this node or the runtime class cannot do it
  absl::StatusOr<Grant> grant;
  // Every decision in order; also when the grant is refused, and then those after the first
  // refusal, too.
  std::vector<RuleDecision> rules;
};

Decision Gate(const Manifest& manifest, const RunRequest& request, const Policy& policy,
              const NodeFacts& facts);

// That untrusted code, where the policy allows it, has a sandbox to run in: it never runs without.
//   FailedPrecondition  no class that the policy allows for it is ready; names them and says why
absl::Status CheckUntrustedHasSandbox(const Policy& policy, const NodeFacts& facts);

}  // namespace vortex::policy
