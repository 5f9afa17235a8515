// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <algorithm>
#include <charconv>

#include "base/sha256.h"
#include "policy/policy_problems.h"

namespace vortex::policy {

void Problems::Add(const absl::Status& status) {
  const std::string message(Message(status));
  int line = 0;
  if (message.starts_with(std::string(file_) + ":")) {
    const char* const from = message.data() + file_.size() + 1;
    std::from_chars(from, message.data() + message.size(), line);
  }
  list_.push_back({line, message});
}

void Problems::AddText(int line, const std::string& message) {
  list_.push_back({line, fmt::format("{}:{}: {}", file_, line, message)});
}

std::vector<Problem> Problems::Sorted() && {
  std::stable_sort(list_.begin(), list_.end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
  return std::move(list_);
}

std::string Policy::At(int line) const {
  return line == 0 ? "built in" : fmt::format("{}:{}", file, line);
}

Policy BuiltInPolicy() {
  Policy policy;
  policy.trusted.runtime_classes = {oci::RuntimeClass::kRunc, oci::RuntimeClass::kCrun,
                                    oci::RuntimeClass::kGvisor, oci::RuntimeClass::kKata};
  return policy;
}

PolicyCheck CheckPolicy(std::string_view text, std::string_view file_name,
                        std::chrono::sys_days today) {
  PolicyCheck check;
  Policy policy = BuiltInPolicy();
  policy.file = file_name;
  policy.digest = base::Sha256::Digest(text);
  Problems errors(file_name);
  ReadPolicy(text, errors, policy);
  // What was not understood would only be reported a second time.
  if (errors.empty()) CheckConsistency(policy, errors);
  if (errors.empty()) {
    Problems warnings(file_name);
    AddWarnings(policy, today, warnings);
    check.warnings = std::move(warnings).Sorted();
    check.policy = std::move(policy);
  }
  check.errors = std::move(errors).Sorted();
  return check;
}

absl::StatusOr<Policy> ParsePolicy(std::string_view text, std::string_view file_name) {
  // Warnings alone look at the day.
  PolicyCheck check = CheckPolicy(text, file_name, {});
  if (check.policy) return *std::move(check.policy);
  const std::size_t more = check.errors.size() - 1;
  return InvalidArgument("{}{}", check.errors.front().message,
                         more == 0 ? "" : fmt::format(" (and {} more)", more));
}

}  // namespace vortex::policy
