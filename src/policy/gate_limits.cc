// SPDX-License-Identifier: Apache-2.0
// Each limit from default, manifest and request, in that order, under the maximum of the level of
// trust and of allow entries.
#include "policy/date.h"
#include "policy/gate_judge.h"
#include "policy/limit_fields.h"

namespace vortex::policy {
namespace {

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kDenied = absl::StatusCode::kPermissionDenied;

int LineOf(const std::map<std::string, int, std::less<>>& lines, const char* name) {
  const auto it = lines.find(name);
  return it == lines.end() ? 0 : it->second;
}

template <typename T>
class LimitRule {
 public:
  LimitRule(Judge& judge, const LimitField<T>& limit) : judge_(judge), limit_(limit) {}

  void Apply() {
    const Tier& tier = judge_.tier();
    FindMaximum();
    T value = tier.default_limits.*limit_.given;
    std::string source = "default";
    std::string position = judge_.policy.At(LineOf(tier.default_lines, limit_.name));
    std::string detail = "default " + limit_.format(value);
    if (const auto& asked = judge_.manifest.limits.*limit_.asked) {
      if (!InRange(*asked, "manifest")) return;
      value = *asked;
      source = "manifest";
      position = maximum_at_;
      detail += ", manifest " + limit_.format(value);
      judge_.grant.requested.*limit_.asked = value;
    }
    if (const auto& asked = judge_.request.limits.*limit_.asked) {
      if (!InRange(*asked, "request")) return;
      if (*asked > value) return RefuseWidening(*asked, value, source);
      value = *asked;
      source = "request";
      position = maximum_at_;
      detail += ", request " + limit_.format(value);
      judge_.grant.requested.*limit_.asked = value;
    }
    if (value > maximum_) return RefuseMaximum(value, source);
    judge_.grant.limits.*limit_.given = value;
    judge_.Note(Rule(source), limit_.format(value),
                fmt::format("{}; at most {} ({})", detail, limit_.format(maximum_), maximum_at_),
                position);
  }

 private:
  std::string Rule(std::string_view what) const {
    return fmt::format("limits.{}.{}", limit_.name, what);
  }

  void FindMaximum() {
    const Tier& tier = judge_.tier();
    maximum_ = tier.maximum_limits.*limit_.given;
    maximum_at_ = judge_.policy.At(LineOf(tier.maximum_lines, limit_.name));
    for (const AllowEntry& entry : judge_.policy.allow) {
      const auto& raised = entry.limits.*limit_.asked;
      if (!raised || *raised <= maximum_) continue;
      const Fit fit = judge_.FitOf(entry);
      if (fit == Fit::kApplies) {
        maximum_ = *raised;
        maximum_at_ = judge_.policy.At(entry.line);
      } else if (fit == Fit::kExpired) {
        near_miss_ = fmt::format(", and the allow entry at {} expired on {}",
                                 judge_.policy.At(entry.line), FormatDate(*entry.expires));
      } else if (fit == Fit::kOtherDigest) {
        near_miss_ = fmt::format(", and the allow entry at {} is for another bundle, {}",
                                 judge_.policy.At(entry.line), entry.digest);
      }
    }
  }

  bool InRange(T value, const char* source) {
    const T low = MinimumLimits().*limit_.given;
    const T high = MaximumLimits().*limit_.given;
    if (value >= low && value <= high) return true;
    judge_.Refuse(kInvalid, Rule(source), "built in", "{} is out of range; use {} to {}",
                  limit_.format(value), limit_.format(low), limit_.format(high));
    return false;
  }

  void RefuseWidening(T asked, T value, const std::string& source) {
    judge_.Refuse(kInvalid, Rule("request"), "built in",
                  "{} is above the granted {} of the {}; a request may only narrow it, raise "
                  "limits.{} in the manifest (at most {})",
                  limit_.format(asked), limit_.format(value), source, limit_.name,
                  limit_.format(maximum_));
  }

  void RefuseMaximum(T value, const std::string& source) {
    judge_.Refuse(kDenied, Rule("maximum"), maximum_at_,
                  "plugin {} asks for {} in limits.{} of its {}; {} plugins get at most {} ({}){}; "
                  "an allow entry for it in {} with limits: {{{}: {}}} would allow it",
                  judge_.manifest.id, limit_.format(value), limit_.name, source, judge_.level(),
                  limit_.format(maximum_), maximum_at_, near_miss_, judge_.PolicyName(),
                  limit_.name, limit_.format(value));
  }

  Judge& judge_;
  const LimitField<T>& limit_;
  T maximum_{};
  std::string maximum_at_;
  std::string near_miss_;
};

}  // namespace

void JudgeLimits(Judge& judge) {
  ForEachLimit([&](const auto& limit) { LimitRule(judge, limit).Apply(); });
}

}  // namespace vortex::policy
