// SPDX-License-Identifier: Apache-2.0
// A plugin, a policy and a node for tests of the gate.
#pragma once

#include <string>
#include <vector>

#include "policy/gate.h"

namespace vortex::policy {

inline Manifest Plugin() {
  Manifest manifest;
  manifest.id = "word-count";
  manifest.version = "1.0.0";
  manifest.entrypoint = Entrypoint{"word_count", "run"};
  return manifest;
}

// Untrusted plugins run, and nothing else is said.
inline Policy Open() {
  Policy policy = BuiltInPolicy();
  policy.file = "policy.yaml";
  policy.allow_untrusted = true;
  policy.allow_untrusted_line = 2;
  policy.untrusted.runtime_classes = policy.trusted.runtime_classes;
  policy.untrusted.runtime_classes_line = 3;
  return policy;
}

inline const std::string kDigestA = "sha256:" + std::string(64, 'a');
inline const std::string kDigestB = "sha256:" + std::string(64, 'b');

// Every class is ready.
inline NodeFacts Ready() {
  NodeFacts facts;
  facts.today = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24);
  facts.bundle_digest = kDigestA;
  for (const auto item : BuiltInPolicy().trusted.runtime_classes)
    facts.classes.push_back({item, ""});
  return facts;
}

// "256m <- default 256m @ built in" of the first decision by that rule.
inline std::string Find(const Decision& decision, const std::string& rule) {
  for (const RuleDecision& item : decision.rules) {
    if (item.rule == rule) return item.outcome + " <- " + item.detail + " @ " + item.position;
  }
  return "no rule " + rule;
}

}  // namespace vortex::policy
