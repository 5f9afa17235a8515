// SPDX-License-Identifier: Apache-2.0
// What the rules of the gate have in common: the case, the record of decisions, the first refusal.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "policy/gate.h"

namespace vortex::policy {

enum class Fit { kApplies, kOtherPlugin, kOtherDigest, kExpired };

// Internal to the gate; one decision's worth of state.
struct Judge {
  const Manifest& manifest;
  const RunRequest& request;
  const Policy& policy;
  const NodeFacts& facts;
  Grant grant;
  std::vector<RuleDecision> rules;
  absl::Status refusal;  // the first

  void Note(std::string rule, std::string outcome, std::string detail, std::string position) {
    rules.push_back({std::move(rule), std::move(outcome), std::move(detail), std::move(position)});
  }

  template <typename... Args>
  void Refuse(absl::StatusCode code, const std::string& rule, const std::string& position,
              fmt::format_string<Args...> format, Args&&... args) {
    const std::string message = fmt::format(format, std::forward<Args>(args)...);
    if (refusal.ok()) refusal = Error(code, "[{}] {}", rule, message);
    Note(rule, "refused", message, position);
  }

  // Of trust and allow.
  Fit FitOf(const Entry& entry) const {
    if (entry.plugin != manifest.id) return Fit::kOtherPlugin;
    if (!entry.digest.empty() && entry.digest != facts.bundle_digest) return Fit::kOtherDigest;
    if (entry.expires && facts.today >= *entry.expires) return Fit::kExpired;
    return Fit::kApplies;
  }

  bool Concerns(const DenyEntry& deny) const {
    if (!deny.plugin.empty() && deny.plugin != manifest.id) return false;
    return deny.digest.empty() || facts.bundle_digest.empty() || deny.digest == facts.bundle_digest;
  }

  // The denial of this plugin that `matches`, or null.
  template <typename Matches>
  const DenyEntry* FindDenial(const Matches& matches) const {
    const auto it =
        std::find_if(policy.deny.begin(), policy.deny.end(),
                     [&](const DenyEntry& deny) { return Concerns(deny) && matches(deny); });
    return it == policy.deny.end() ? nullptr : &*it;
  }

  const Tier& tier() const { return grant.trusted ? policy.trusted : policy.untrusted; }
  const char* level() const { return grant.trusted ? "trusted" : "untrusted"; }
  // "the policy file", for messages that say where something would have to stand.
  std::string PolicyName() const { return policy.file.empty() ? "a policy file" : policy.file; }
};

// The rules, in the order in which the gate asks them.
void JudgeTrust(Judge& judge);
void JudgeRuntimeClass(Judge& judge);
void JudgePrivileges(Judge& judge);  // after the class
void JudgeLimits(Judge& judge);

}  // namespace vortex::policy
