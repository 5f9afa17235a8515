// SPDX-License-Identifier: Apache-2.0
#include "review/diff_seccomp.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "review/audit_context.h"
#include "review/facts.h"
#include "review/seccomp_model.h"

namespace vortex::review {

void SeccompFacts(const Node& seccomp, FactWriter& facts) {
  if (!seccomp) return;
  const Node action = seccomp["defaultAction"];
  facts.Guard("linux.seccomp", seccomp);
  facts.Ceiling("linux.seccomp.defaultAction", action,
                static_cast<double>(VerdictOf(action.Text())), action.Text());
  facts.Under("linux.seccomp");
  facts.Neutral("linux.seccomp.defaultAction as written", action);
  facts.Neutral("linux.seccomp.defaultErrnoRet", seccomp["defaultErrnoRet"]);
  for (const Node& item : seccomp["architectures"].Items()) {
    const std::string& name = item.Text();
    if (name == "SCMP_ARCH_X86_64" || name == "SCMP_ARCH_AARCH64" || name == "SCMP_ARCH_RISCV64") {
      facts.Unknown("linux.seccomp.architectures: " + name, item);
    } else {
      facts.Grant("linux.seccomp.architectures: " + name, item);
    }
  }
  for (const Node& item : seccomp["flags"].Items()) {
    const std::string& name = item.Text();
    if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") {
      facts.Grant("linux.seccomp.flags: " + name, item);
    } else if (name == "SECCOMP_FILTER_FLAG_LOG" || name == "SECCOMP_FILTER_FLAG_TSYNC" ||
               name == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") {
      facts.Neutral("linux.seccomp.flags: " + name, item);
    } else {
      facts.Unknown("linux.seccomp.flags: " + name, item);
    }
  }
  facts.Detail("linux.seccomp.listenerPath", seccomp["listenerPath"], true);
  facts.Neutral("linux.seccomp.listenerMetadata", seccomp["listenerMetadata"], true);
  // How a call is refused, as one line for each way.
  std::map<std::string, std::set<std::string>> refusals;
  for (const Node& rule : seccomp["syscalls"].Items()) {
    if (VerdictOf(rule["action"].Text()) == Verdict::kAllow &&
        rule["action"].Text() == "SCMP_ACT_ALLOW" && !rule["errnoRet"])
      continue;
    std::string way = rule["action"].Text();
    if (rule["errnoRet"]) way += " " + Compact(*rule["errnoRet"].value());
    const auto names = rule["names"].Texts();
    refusals[way].insert(names.begin(), names.end());
  }
  for (const auto& [way, names] : refusals) {
    for (const std::string& name : names) {
      Fact fact;
      fact.kind = FactKind::kNeutral;
      fact.value = "yes";
      fact.path = seccomp["syscalls"].path();
      fact.at = seccomp["syscalls"].at();
      facts.Put(fmt::format("linux.seccomp {}: {}", way, name), std::move(fact));
    }
  }
  facts.Under("");
}

namespace {

bool Covered(const std::vector<CallRule>& rules, const std::vector<CallRule>& by, bool allow) {
  return std::all_of(rules.begin(), rules.end(), [&](const CallRule& rule) {
    return std::any_of(by.begin(), by.end(), [&](const CallRule& other) {
      const bool as_much = allow ? other.verdict >= rule.verdict : other.verdict <= rule.verdict;
      return as_much && rule.Implies(other);
    });
  });
}

Direction FromCover(bool a_in_b, bool b_in_a, Direction when_b_has_more) {
  if (a_in_b && b_in_a) return Direction::kNeutral;
  const Direction less =
      when_b_has_more == Direction::kLoosens ? Direction::kTightens : Direction::kLoosens;
  return a_in_b ? when_b_has_more : b_in_a ? less : Direction::kUnknown;
}

// Where these rules hold, the model lets through no more than they do.
bool NoMoreThan(const std::vector<CallRule>& rules, const SeccompModel& model,
                const std::string& call) {
  const auto others = model.Conditional(call);
  return std::all_of(rules.begin(), rules.end(), [&](const CallRule& rule) {
    return model.Plain(call) <= rule.verdict &&
           std::all_of(others.begin(), others.end(), [&](const CallRule& other) {
             return other.verdict <= rule.verdict || other.Excludes(rule);
           });
  });
}

Direction CompareCall(const SeccompModel& a, const SeccompModel& b, const std::string& call) {
  const Verdict plain_a = a.Plain(call), plain_b = b.Plain(call);
  const auto split = [&](const SeccompModel& model, Verdict plain, bool allow) {
    std::vector<CallRule> out = model.Conditional(call);
    std::erase_if(out, [&](const CallRule& rule) { return (rule.verdict > plain) != allow; });
    return out;
  };
  const auto allow_a = split(a, plain_a, true), allow_b = split(b, plain_b, true);
  const auto deny_a = split(a, plain_a, false), deny_b = split(b, plain_b, false);
  if (plain_a != plain_b) {
    // One lets through at least all that the other does, unless conditions go the other way.
    if (plain_b > plain_a)
      return NoMoreThan(deny_b, a, call) ? Direction::kLoosens : Direction::kUnknown;
    return NoMoreThan(deny_a, b, call) ? Direction::kTightens : Direction::kUnknown;
  }
  const Direction allows = FromCover(Covered(allow_a, allow_b, true),
                                     Covered(allow_b, allow_a, true), Direction::kLoosens);
  const Direction denies = FromCover(Covered(deny_a, deny_b, false), Covered(deny_b, deny_a, false),
                                     Direction::kTightens);
  if (allows == denies || denies == Direction::kNeutral) return allows;
  return allows == Direction::kNeutral ? denies : Direction::kUnknown;
}

std::string Describe(const SeccompModel& model, const std::string& call) {
  static constexpr const char* kWords[] = {"refused", "judged by a listener", "allowed",
                                           "not understood"};
  const Verdict plain = model.Plain(call);
  std::string out = kWords[static_cast<int>(plain)];
  std::set<std::string> conditions;
  for (const CallRule& rule : model.Conditional(call))
    conditions.insert(fmt::format("{} {}", kWords[static_cast<int>(rule.verdict)], rule.Text()));
  if (!conditions.empty()) out = fmt::format("{}, else {}", fmt::join(conditions, "; "), out);
  return out;
}

}  // namespace

void CompareCalls(const Node& a_node, const Node& b_node, std::vector<Change>& out) {
  const SeccompModel a(a_node), b(b_node);
  std::set<std::string> calls;
  for (const auto& [call, rules] : a.calls()) calls.insert(call);
  for (const auto& [call, rules] : b.calls()) calls.insert(call);
  std::map<std::tuple<Direction, std::string, std::string>, std::vector<std::string>> groups;
  for (const std::string& call : calls) {
    const Direction direction = CompareCall(a, b, call);
    if (direction == Direction::kNeutral) continue;
    groups[{direction, Describe(a, call), Describe(b, call)}].push_back(Printable(call));
  }
  for (const auto& [key, names] : groups) {
    Change change;
    change.direction = std::get<0>(key);
    change.what = fmt::format("linux.seccomp: {}", fmt::join(names, ", "));
    change.before = std::get<1>(key);
    change.after = std::get<2>(key);
    change.path = b_node["syscalls"].path();
    change.at = b_node["syscalls"].at();
    const auto found = b.calls().find(names.front());
    if (found != b.calls().end()) {
      change.path = found->second.front().path;
      change.at = found->second.front().at;
    }
    out.push_back(std::move(change));
  }
}

}  // namespace vortex::review
