// SPDX-License-Identifier: Apache-2.0
// The operator's policy file, parsed strictly; docs/user/policy.md is its reference. Plain data:
// the gate (gate.h) decides by it.
//
//   VX_ASSIGN_OR_RETURN(policy::Policy policy, policy::ParsePolicy(text,
//   "/etc/vortex/policy.yaml"));
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/options.h"
#include "oci/job.h"
#include "oci/runtime_class.h"
#include "policy/limits.h"
#include "policy/manifest.h"

namespace vortex::policy {

inline constexpr std::size_t kMaxPolicyBytes = 1 << 20;

// Whether denials are watched as they happen. Watching only tells: what it does not see is denied
// all the same.
struct Watch {
  bool network = true;
  bool filesystem = true;
};

// What a level of trust gets. Lines are those of the policy file; 0: built in.
struct Tier {
  LimitSet default_limits = DefaultLimits();  // never above the maximum
  LimitSet maximum_limits = MaximumLimits();
  std::map<std::string, int, std::less<>> default_lines;  // "memory" → 12
  std::map<std::string, int, std::less<>> maximum_lines;
  // Allowed ones, the operator's favourite first.
  std::vector<oci::RuntimeClass> runtime_classes;
  int runtime_classes_line = 0;
  Watch watch;
  int watch_line = 0;
};

// What entries have in common.
struct Entry {
  int line = 0;
  std::string plugin;  // an id
  std::string digest;  // "sha256:…" of a bundle; empty: any
  std::string reason;
  // From that day on (00:00 UTC) the entry does not apply; absent: never expires.
  std::optional<std::chrono::sys_days> expires;
};

// This plugin is trusted.
using TrustEntry = Entry;

// What a plugin gets beyond its level of trust. Network rules carry the private address ranges that
// their names may resolve to.
struct AllowEntry : Entry {
  std::vector<std::string> capabilities;
  std::vector<std::string> gpus;  // CDI names
  std::vector<oci::MountGrant> mounts;
  std::vector<NetworkRule> egress;
  LimitRequest limits;  // a maximum above the level's
};

// What nothing overrides. With neither `plugin` nor `digest`: for everybody. With no list: the
// plugin as a whole. Never expires.
struct DenyEntry {
  int line = 0;
  std::string plugin;
  std::string digest;
  std::string reason;
  std::vector<std::string> capabilities;
  std::vector<std::string> gpus;
  std::vector<std::string> hosts;  // "api.example.com", "*.example.com" or "*"
  std::vector<oci::RuntimeClass> runtime_classes;

  bool Whole() const {
    return capabilities.empty() && gpus.empty() && hosts.empty() && runtime_classes.empty();
  }
};

// For the metrics.
struct MetricsPolicy {
  std::string textfile;                    // absolute; empty: none
  std::vector<std::string> plugin_labels;  // ids that may be label values
};

struct Policy {
  std::string file;    // for messages; empty: the built-in policy
  std::string digest;  // "sha256:…" of the file's bytes; empty: the built-in policy
  bool allow_untrusted = false;
  int allow_untrusted_line = 0;
  std::vector<TrustEntry> trust;
  Tier untrusted;
  Tier trusted;
  std::vector<AllowEntry> allow;
  std::vector<DenyEntry> deny;
  audit::AuditOptions audit;  // without a directory: the program's own log, if it has one
  MetricsPolicy metrics;

  // "policy.yaml:14"; "built in" for line 0.
  std::string At(int line) const;
};

// What is in force without a file: nobody is trusted, and untrusted plugins are refused.
Policy BuiltInPolicy();

// `file_name` is for messages: "policy.yaml:4:3: trust[0].digest: …". Every error is
// InvalidArgument: not strict YAML, unknown or bad fields, duplicates, contradictions, entries that
// can never apply. Of several the first is told, with their number; CheckPolicy tells all.
absl::StatusOr<Policy> ParsePolicy(std::string_view text, std::string_view file_name);

struct Problem {
  int line = 0;         // 0: the file as a whole
  std::string message;  // "policy.yaml:4:3: trust[0].digest: …"
};

// All that is wrong, and what deserves a look: entries that have expired or soon will, trust and
// privileges without a digest, wildcard hosts.
struct PolicyCheck {
  std::optional<Policy> policy;  // absent when there are errors
  std::vector<Problem> errors;
  std::vector<Problem> warnings;
};
PolicyCheck CheckPolicy(std::string_view text, std::string_view file_name,
                        std::chrono::sys_days today);

}  // namespace vortex::policy
