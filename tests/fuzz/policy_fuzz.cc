// SPDX-License-Identifier: Apache-2.0
// A policy file of any bytes: what is accepted keeps its promises up to the gate's decision, what
// is refused is told in plain text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/status.h"
#include "policy/compare.h"
#include "policy/gate.h"
#include "policy/limit_fields.h"
#include "policy/policy.h"
#include "policy/text.h"

namespace {

using namespace vortex::policy;

constexpr std::chrono::sys_days kToday{std::chrono::days(20'000)};

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckTier(const Tier& tier) {
  ForEachLimit([&](const auto& limit) {
    const auto usual = tier.default_limits.*limit.given, most = tier.maximum_limits.*limit.given;
    Require(MinimumLimits().*limit.given <= usual && usual <= most);
    Require(most <= MaximumLimits().*limit.given);
  });
}

void CheckPolicyStruct(const Policy& policy) {
  CheckTier(policy.untrusted);
  CheckTier(policy.trusted);
  Require(!policy.allow_untrusted || !policy.untrusted.runtime_classes.empty());
  for (const TrustEntry& entry : policy.trust) Require(!entry.plugin.empty() && entry.line > 0);
  for (const AllowEntry& entry : policy.allow) {
    Require(!entry.plugin.empty() && !entry.reason.empty() &&
            !FindBadCharacter(entry.reason, "\t"));
    for (const NetworkRule& rule : entry.egress) {
      // Never an address: the last label begins with a letter.
      const char last = rule.host[rule.host.rfind('.') + 1];
      Require(last >= 'a' && last <= 'z' && rule.port >= 1 && rule.port <= 65535);
    }
    for (const auto& mount : entry.mounts)
      Require(mount.source.starts_with('/') && mount.source.find("/../") == std::string::npos);
  }
  for (const DenyEntry& entry : policy.deny)
    Require(!entry.Whole() || !entry.plugin.empty() || !entry.digest.empty());
}

// Whoever the file names, and one that it does not.
void CheckGate(const Policy& policy) {
  NodeFacts facts;
  facts.today = kToday;
  facts.bundle_digest = "sha256:" + std::string(64, 'a');
  for (const auto item : BuiltInPolicy().trusted.runtime_classes)
    facts.classes.push_back({item, ""});
  const auto ask = [&](const std::string& id) {
    const Manifest manifest = AsksForAll(policy, id);
    const Decision decision = Gate(manifest, {}, policy, facts);
    if (!decision.grant.ok()) {
      Require(vortex::Message(decision.grant.status()).starts_with('['));
      return;
    }
    const Grant& grant = *decision.grant;
    const Tier& tier = grant.trusted ? policy.trusted : policy.untrusted;
    Require(grant.trusted || policy.allow_untrusted);
    Require(std::find(tier.runtime_classes.begin(), tier.runtime_classes.end(),
                      grant.runtime_class) != tier.runtime_classes.end());
    for (const DenyEntry& deny : policy.deny)
      Require(!deny.Whole() || (!deny.plugin.empty() && deny.plugin != id) ||
              (!deny.digest.empty() && deny.digest != facts.bundle_digest));
    ForEachLimit([&](const auto& limit) {
      Require(grant.limits.*limit.given <= MaximumLimits().*limit.given);
    });
  };
  ask("nobody");
  for (std::size_t i = 0; i < std::min<std::size_t>(policy.allow.size(), 8); ++i)
    ask(policy.allow[i].plugin);
  for (std::size_t i = 0; i < std::min<std::size_t>(policy.trust.size(), 8); ++i)
    ask(policy.trust[i].plugin);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const PolicyCheck check = CheckPolicy(text, "p.yaml", kToday);
  Require(check.policy.has_value() == check.errors.empty());
  for (const auto* list : {&check.errors, &check.warnings}) {
    for (const Problem& problem : *list) {
      // The message goes to a terminal.
      Require(problem.message.starts_with("p.yaml:") && !FindBadCharacter(problem.message));
    }
  }
  Require(ParsePolicy(text, "p.yaml").ok() == check.policy.has_value());
  if (!check.policy) return 0;
  CheckPolicyStruct(*check.policy);
  CheckGate(*check.policy);
  Require(ComparePolicies(*check.policy, *check.policy, kToday).empty());
  return 0;
}
