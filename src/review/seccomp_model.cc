// SPDX-License-Identifier: Apache-2.0
#include "review/seccomp_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace vortex::review {

Verdict VerdictOf(std::string_view action) {
  if (action == "SCMP_ACT_ALLOW" || action == "SCMP_ACT_LOG") return Verdict::kAllow;
  if (action == "SCMP_ACT_NOTIFY" || action == "SCMP_ACT_TRACE") return Verdict::kJudged;
  for (const char* deny : {"SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
                           "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP"}) {
    if (action == deny) return Verdict::kDeny;
  }
  return Verdict::kUnknown;
}

bool Condition::Holds(std::uint64_t argument) const {
  if (op == "SCMP_CMP_EQ") return argument == value;
  if (op == "SCMP_CMP_NE") return argument != value;
  if (op == "SCMP_CMP_LT") return argument < value;
  if (op == "SCMP_CMP_LE") return argument <= value;
  if (op == "SCMP_CMP_GE") return argument >= value;
  if (op == "SCMP_CMP_GT") return argument > value;
  if (op == "SCMP_CMP_MASKED_EQ") return (argument & value) == value_two;
  return true;  // an operator that nobody knows restricts nothing
}

bool Condition::Implies(const Condition& other) const {
  if (index != other.index) return false;
  if (op == "SCMP_CMP_EQ") return other.Holds(value);
  if (op == "SCMP_CMP_MASKED_EQ" && other.op == "SCMP_CMP_MASKED_EQ") {
    return (value & other.value) == other.value && (value_two & other.value) == other.value_two;
  }
  if (op == "SCMP_CMP_MASKED_EQ" && other.op == "SCMP_CMP_NE") {
    return (other.value & value) != value_two;
  }
  const auto below = [](const Condition& c) {
    return c.op == "SCMP_CMP_LT" || c.op == "SCMP_CMP_LE";
  };
  const auto above = [](const Condition& c) {
    return c.op == "SCMP_CMP_GT" || c.op == "SCMP_CMP_GE";
  };
  if (op == other.op && below(*this)) return value <= other.value;
  if (op == other.op && above(*this)) return value >= other.value;
  return op == other.op && value == other.value && value_two == other.value_two;
}

bool Condition::Void() const {
  if (op == "SCMP_CMP_GE") return value == 0;
  if (op == "SCMP_CMP_LE") return value == UINT64_MAX;
  return op == "SCMP_CMP_MASKED_EQ" && value == 0 && value_two == 0;
}

bool Condition::Excludes(const Condition& other) const {
  if (index != other.index) return false;
  if (op == "SCMP_CMP_EQ") return !other.Holds(value);
  if (other.op == "SCMP_CMP_EQ") return !Holds(other.value);
  if (op == "SCMP_CMP_MASKED_EQ" && other.op == "SCMP_CMP_MASKED_EQ") {
    const std::uint64_t common = value & other.value;
    return (value_two & common) != (other.value_two & common);
  }
  return false;
}

std::string Condition::Text() const {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kSigns = {
      {{"SCMP_CMP_EQ", "="},
       {"SCMP_CMP_NE", "!="},
       {"SCMP_CMP_LT", "<"},
       {"SCMP_CMP_LE", "<="},
       {"SCMP_CMP_GE", ">="},
       {"SCMP_CMP_GT", ">"}}};
  if (op == "SCMP_CMP_MASKED_EQ")
    return fmt::format("arg{} & {:#x} = {:#x}", index, value, value_two);
  for (const auto& [name, sign] : kSigns) {
    if (op == name) return fmt::format("arg{} {} {:#x}", index, sign, value);
  }
  return fmt::format("arg{} {} {:#x}", index, op, value);
}

bool CallRule::Implies(const CallRule& other) const {
  return std::all_of(other.conditions.begin(), other.conditions.end(), [&](const Condition& want) {
    return want.Void() || std::any_of(conditions.begin(), conditions.end(),
                                      [&](const Condition& have) { return have.Implies(want); });
  });
}

bool CallRule::Excludes(const CallRule& other) const {
  return std::any_of(conditions.begin(), conditions.end(), [&](const Condition& here) {
    return std::any_of(other.conditions.begin(), other.conditions.end(),
                       [&](const Condition& there) { return here.Excludes(there); });
  });
}

std::string CallRule::Text() const {
  std::string out;
  for (const Condition& condition : conditions)
    out += (out.empty() ? "" : " and ") + condition.Text();
  return out.empty() ? "always" : "when " + out;
}

SeccompModel::SeccompModel(const Node& seccomp) {
  if (!seccomp) return;
  default_ = VerdictOf(seccomp["defaultAction"].Text());
  for (const Node& item : seccomp["syscalls"].Items()) {
    CallRule rule;
    rule.action = item["action"].Text();
    rule.verdict = VerdictOf(rule.action);
    rule.at = item.at();
    rule.path = item.path();
    std::vector<Condition> conditions;
    std::array<int, 6> uses{};
    bool alternatives = false;
    for (const Node& arg : item["args"].Items()) {
      Condition condition;
      const auto uint = [](const Node& node) {
        return node ? node.value()->Uint().value_or(0) : std::uint64_t{0};
      };
      condition.index = static_cast<std::uint32_t>(std::min<std::uint64_t>(uint(arg["index"]), 99));
      condition.value = uint(arg["value"]);
      condition.value_two = uint(arg["valueTwo"]);
      condition.op = arg["op"].Text();
      if (condition.index < uses.size()) alternatives |= ++uses[condition.index] > 1;
      conditions.push_back(std::move(condition));
    }
    for (const Node& name_node : item["names"].Items()) {
      std::vector<CallRule>& rules = calls_[name_node.Text()];
      rule.at = name_node.at();
      rule.path = name_node.path();
      if (!alternatives) {
        rules.push_back(rule);
        rules.back().conditions = conditions;
        continue;
      }
      for (const Condition& condition : conditions) {
        rules.push_back(rule);
        rules.back().conditions = {condition};
      }
    }
  }
}

Verdict SeccompModel::Plain(std::string_view call) const {
  const auto found = calls_.find(call);
  if (found == calls_.end()) return default_;
  // A contradiction counts as what lets more through; the audit tells of it.
  Verdict out = default_;
  bool any = false;
  for (const CallRule& rule : found->second) {
    if (!rule.conditions.empty()) continue;
    out = any ? std::max(out, rule.verdict) : rule.verdict;
    any = true;
  }
  return out;
}

std::vector<CallRule> SeccompModel::Conditional(std::string_view call) const {
  std::vector<CallRule> out;
  const auto found = calls_.find(call);
  if (found == calls_.end()) return out;
  const Verdict plain = Plain(call);
  for (const CallRule& rule : found->second) {
    if (!rule.conditions.empty() && rule.verdict != plain) out.push_back(rule);
  }
  return out;
}

Verdict SeccompModel::Probe(std::string_view call, const Arguments& arguments,
                            const CallRule** by) const {
  const auto found = calls_.find(call);
  if (found == calls_.end()) return default_;
  const Verdict plain = Plain(call);
  Verdict best = plain;
  for (const CallRule& rule : found->second) {
    if (rule.conditions.empty() && rule.verdict == plain) *by = &rule;
  }
  bool denied = false;
  for (const CallRule& rule : found->second) {
    if (rule.conditions.empty()) continue;
    bool fixed = true, holds = true;
    for (const Condition& condition : rule.conditions) {
      const auto given =
          std::find_if(arguments.begin(), arguments.end(),
                       [&](const auto& argument) { return argument.first == condition.index; });
      if (given == arguments.end()) {
        fixed = false;  // the caller chooses it, for or against the rule
      } else if (!condition.Holds(given->second)) {
        holds = false;
      }
    }
    if (!holds) continue;
    if (rule.verdict == Verdict::kDeny) {
      denied |= fixed;
    } else if (rule.verdict > best) {
      best = rule.verdict;
      *by = &rule;
    }
  }
  // A refusal with conditions holds against an allowing default, not against a rule that allows.
  if (denied && best == plain && plain != Verdict::kDeny) return Verdict::kDeny;
  return best;
}

}  // namespace vortex::review
