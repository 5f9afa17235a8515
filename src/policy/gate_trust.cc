// SPDX-License-Identifier: Apache-2.0
// Who the plugin is to the operator, and what it may run under.
#include "oci/class_support.h"
#include "policy/date.h"
#include "policy/gate_judge.h"

namespace vortex::policy {
namespace {

constexpr auto kDenied = absl::StatusCode::kPermissionDenied;
constexpr auto kNotHere = absl::StatusCode::kFailedPrecondition;

void FindTrust(Judge& judge) {
  for (const TrustEntry& entry : judge.policy.trust) {
    const std::string at = judge.policy.At(entry.line);
    switch (judge.FitOf(entry)) {
      case Fit::kOtherPlugin:
        break;
      case Fit::kOtherDigest:
        judge.Note("trust.other-digest", "untrusted",
                   fmt::format(
                       "the entry is for bundle {}, this one is {}", entry.digest,
                       judge.facts.bundle_digest.empty() ? "not known" : judge.facts.bundle_digest),
                   at);
        break;
      case Fit::kExpired:
        judge.Note("trust.expired", "untrusted", "expired on " + FormatDate(*entry.expires), at);
        break;
      case Fit::kApplies:
        judge.grant.trusted = true;
        judge.Note("trust.entry", "trusted", entry.reason, at);
        return;
    }
  }
  judge.Note("trust.default", "untrusted", "no trust entry applies", "built in");
}

const ClassFact* FindFact(const NodeFacts& facts, oci::RuntimeClass runtime_class) {
  const auto it =
      std::find_if(facts.classes.begin(), facts.classes.end(),
                   [&](const ClassFact& fact) { return fact.runtime_class == runtime_class; });
  return it == facts.classes.end() ? nullptr : &*it;
}

// Empty: ready.
std::string WhyNotReady(const NodeFacts& facts, oci::RuntimeClass runtime_class) {
  const ClassFact* fact = FindFact(facts, runtime_class);
  if (fact != nullptr) return fact->problem;
  return fmt::format("runtime class {}: not known on this node", oci::Name(runtime_class));
}

const DenyEntry* DenialOf(const Judge& judge, oci::RuntimeClass runtime_class) {
  return judge.FindDenial([&](const DenyEntry& deny) {
    return std::find(deny.runtime_classes.begin(), deny.runtime_classes.end(), runtime_class) !=
           deny.runtime_classes.end();
  });
}

bool MayUse(const Judge& judge, oci::RuntimeClass runtime_class) {
  const auto& allowed = judge.tier().runtime_classes;
  return std::find(allowed.begin(), allowed.end(), runtime_class) != allowed.end() &&
         DenialOf(judge, runtime_class) == nullptr;
}

std::string Names(const std::vector<oci::RuntimeClass>& classes) {
  std::string out;
  for (const oci::RuntimeClass item : classes)
    out += (out.empty() ? "" : ", ") + std::string(oci::Name(item));
  return out.empty() ? "none" : out;
}

// Without a wish of the caller: the node's default, or what the operator names first and has.
oci::RuntimeClass Choose(const Judge& judge) {
  const oci::RuntimeClass preferred = judge.facts.default_class;
  if (MayUse(judge, preferred)) return preferred;
  std::optional<oci::RuntimeClass> first;
  for (const oci::RuntimeClass item : judge.tier().runtime_classes) {
    if (!MayUse(judge, item)) continue;
    if (!first) first = item;
    if (WhyNotReady(judge.facts, item).empty()) return item;
  }
  return first.value_or(preferred);
}

}  // namespace

void JudgeTrust(Judge& judge) {
  FindTrust(judge);
  const std::string& id = judge.manifest.id;
  if (const DenyEntry* deny =
          judge.FindDenial([](const DenyEntry& entry) { return entry.Whole(); })) {
    const std::string at = judge.policy.At(deny->line);
    judge.Refuse(kDenied, deny->digest.empty() ? "deny.plugin" : "deny.digest", at,
                 "plugin {} is denied by the operator ({}: {}), which no other entry overrides", id,
                 at, deny->reason);
  }
  if (judge.grant.trusted) return;
  const std::string at = judge.policy.At(judge.policy.allow_untrusted_line);
  if (judge.policy.allow_untrusted) {
    judge.Note("untrusted.allowed", "allowed", "in a sandbox only", at);
    return;
  }
  std::string hint;
  for (const RuleDecision& note : judge.rules) {
    if (note.rule == "trust.expired" || note.rule == "trust.other-digest")
      hint = fmt::format("; its trust entry at {} does not apply: {}", note.position, note.detail);
  }
  judge.Refuse(
      kDenied, "untrusted.refused", at,
      "plugin {} is not trusted, and untrusted plugins are refused ({}){}; "
      "allow_untrusted: true in {}, or a trust entry there for {}{}, would allow it",
      id, judge.policy.allow_untrusted_line == 0 ? "as built in" : at, hint, judge.PolicyName(), id,
      judge.facts.bundle_digest.empty() ? "" : " with digest " + judge.facts.bundle_digest);
}

void JudgeRuntimeClass(Judge& judge) {
  const Tier& tier = judge.tier();
  const std::string at = judge.policy.At(tier.runtime_classes_line);
  const bool asked = judge.request.runtime_class.has_value();
  const oci::RuntimeClass chosen = asked ? *judge.request.runtime_class : Choose(judge);
  const std::string_view name = oci::Name(chosen);
  judge.grant.runtime_class = chosen;
  if (const DenyEntry* deny = DenialOf(judge, chosen)) {
    judge.Refuse(kDenied, "deny.runtime_class", judge.policy.At(deny->line),
                 "runtime class {} is denied by the operator ({}: {})", name,
                 judge.policy.At(deny->line), deny->reason);
    return;
  }
  if (!MayUse(judge, chosen)) {
    judge.Refuse(kDenied, "runtime_class.not-allowed", at,
                 "{} plugins may not run under runtime class {}; allowed are: {} ({}); {} in "
                 "{}.runtime_classes of {} would allow it",
                 judge.level(), name, Names(tier.runtime_classes), at, name, judge.level(),
                 judge.PolicyName());
    return;
  }
  const std::string why = WhyNotReady(judge.facts, chosen);
  if (!why.empty()) {
    // The policy says yes and the node cannot: nothing runs, least of all without a sandbox.
    judge.Refuse(kNotHere, "runtime_class.not-ready", at, "{}", why);
    return;
  }
  const bool as_default = !asked && chosen == judge.facts.default_class;
  judge.Note(
      asked        ? "runtime_class.request"
      : as_default ? "runtime_class.default"
                   : "runtime_class.policy",
      std::string(name),
      asked || as_default
          ? fmt::format("allowed to {} plugins are: {}", judge.level(), Names(tier.runtime_classes))
          : fmt::format("the node's default {} is not allowed to {} plugins; the first of {} "
                        "that is ready",
                        oci::Name(judge.facts.default_class), judge.level(),
                        Names(tier.runtime_classes)),
      at);
}

absl::Status CheckUntrustedHasSandbox(const Policy& policy, const NodeFacts& facts) {
  if (!policy.allow_untrusted) return absl::OkStatus();
  std::string reasons;
  for (const oci::RuntimeClass item : policy.untrusted.runtime_classes) {
    const bool denied =
        std::any_of(policy.deny.begin(), policy.deny.end(), [&](const DenyEntry& deny) {
          return deny.plugin.empty() && deny.digest.empty() &&
                 std::find(deny.runtime_classes.begin(), deny.runtime_classes.end(), item) !=
                     deny.runtime_classes.end();
        });
    const std::string why =
        denied ? fmt::format("runtime class {}: denied by the operator", oci::Name(item))
               : WhyNotReady(facts, item);
    if (why.empty()) return absl::OkStatus();
    reasons += (reasons.empty() ? "" : "; ") + why;
  }
  return Error(
      kNotHere,
      "[untrusted.no-sandbox] {} allows untrusted plugins, but none of the runtime "
      "classes that it names for them is ready on this node, and untrusted code never runs "
      "without one: {}",
      policy.At(policy.allow_untrusted_line), reasons.empty() ? "it names none" : reasons);
}

}  // namespace vortex::policy
