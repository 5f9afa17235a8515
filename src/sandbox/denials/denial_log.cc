// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/denial_log.h"

#include <algorithm>

namespace vortex::sandbox {

std::string AllowedBy(std::string_view control, std::string_view rule) {
  if (rule == kRuleNetwork || rule == kRuleNoResolver)
    return "the host in network of the manifest, and the operator's allowlist";
  if (rule == kRuleNoDevice)
    return "the device in gpus of the manifest, and the operator's allowlist";
  if (rule == kRuleNoFile || rule == kRuleNotRoot)
    return control == "process" ? "the program in the bundle"
                                : "a copy in the bundle, or a mount that the operator grants";
  if (rule == kRuleReadOnly) return "a path below /tmp, or a mount that the operator grants";
  if (rule == kRuleNoExec) return "the program in the bundle";
  if (rule == kRuleCapabilities)
    return "the capability in capabilities of the manifest, and the operator's allowlist";
  return "";
}

void DenialLog::Add(const Attempt& attempt, std::int64_t now_unix_ns) {
  Key key{attempt.control, attempt.action, attempt.target.substr(0, kMaxTargetBytes), attempt.rule,
          attempt.errno_value};
  auto found = index_.find(key);
  if (found == index_.end()) {
    std::size_t& used = per_action_[{key.control, key.action}];
    if (used >= kMaxRecordsPerAction) {
      // One record for all that does not fit, whatever its rule.
      key.target = kOtherTargets;
      key.rule = "";
      key.errno_value = 0;
      found = index_.find(key);
    } else {
      ++used;
    }
  }
  if (found == index_.end()) {
    found = index_.emplace(key, records_.size()).first;
    records_.push_back({.control = key.control,
                        .action = key.action,
                        .target = key.target,
                        .rule = key.rule,
                        .witness = witness_,
                        .first_unix_ns = now_unix_ns,
                        .errno_value = key.errno_value,
                        .allowed_by = AllowedBy(key.control, key.rule)});
  }
  Denial& record = records_[found->second];
  ++record.count;
  record.last_unix_ns = now_unix_ns;
}

std::vector<Denial> DenialLog::Records() const {
  std::vector<Denial> out = records_;
  std::stable_partition(out.begin(), out.end(),
                        [](const Denial& record) { return record.target != kOtherTargets; });
  return out;
}

}  // namespace vortex::sandbox
