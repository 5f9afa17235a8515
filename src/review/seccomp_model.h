// SPDX-License-Identifier: Apache-2.0
// What a profile lets through, asked call by call, for audit and diff. Pure.
//   Source  OCI runtime-spec, config-linux.md, Seccomp; seccomp_rule_add(3); runc 1.1 and crun 1.8,
//           which make conditions on one argument alternatives
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "review/json_tree.h"

namespace vortex::review {

// By how much they let through.
enum class Verdict { kDeny, kJudged /* NOTIFY, TRACE */, kAllow /* LOG, too */, kUnknown };

Verdict VerdictOf(std::string_view action);

struct Condition {
  std::uint32_t index = 0;
  std::uint64_t value = 0, value_two = 0;
  std::string op;

  bool Holds(std::uint64_t argument) const;
  // Whenever this one holds, so does the other. May say no where it is true.
  bool Implies(const Condition& other) const;
  // It holds for every argument.
  bool Void() const;
  // Never do both hold. May say no where it is true.
  bool Excludes(const Condition& other) const;
  std::string Text() const;
};

struct CallRule {
  Verdict verdict = Verdict::kDeny;
  std::string action;
  std::vector<Condition> conditions;  // all must hold
  Position at;
  std::string path;

  bool Implies(const CallRule& other) const;
  bool Excludes(const CallRule& other) const;
  std::string Text() const;
};

class SeccompModel {
 public:
  explicit SeccompModel(const Node& seccomp);

  Verdict default_verdict() const { return default_; }
  const std::map<std::string, std::vector<CallRule>, std::less<>>& calls() const { return calls_; }
  // The verdict without looking at arguments, and the conditional rules with another one.
  Verdict Plain(std::string_view call) const;
  std::vector<CallRule> Conditional(std::string_view call) const;

  // Whether the call can pass when these arguments are fixed and the caller chooses all others. The
  // rule that lets it pass goes to `by`, which stays as it is for the default.
  using Arguments = std::vector<std::pair<std::uint32_t, std::uint64_t>>;
  Verdict Probe(std::string_view call, const Arguments& arguments, const CallRule** by) const;

 private:
  Verdict default_ = Verdict::kAllow;
  std::map<std::string, std::vector<CallRule>, std::less<>> calls_;
};

}  // namespace vortex::review
