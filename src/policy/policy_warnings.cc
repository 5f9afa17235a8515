// SPDX-License-Identifier: Apache-2.0
#include "policy/date.h"
#include "policy/policy_problems.h"

namespace vortex::policy {
namespace {

constexpr std::chrono::days kSoon{30};

void WarnOfExpiry(const Entry& entry, const char* section, std::chrono::sys_days today,
                  Problems& problems) {
  if (!entry.expires) return;
  if (*entry.expires <= today) {
    problems.AddAt(entry.line, "{}: expired on {}, it does not apply any more; renew or remove it",
                   section, FormatDate(*entry.expires));
  } else if (*entry.expires <= today + kSoon) {
    problems.AddAt(entry.line, "{}: expires on {}, in {} days", section, FormatDate(*entry.expires),
                   (*entry.expires - today).count());
  }
}

}  // namespace

void AddWarnings(const Policy& policy, std::chrono::sys_days today, Problems& problems) {
  for (const TrustEntry& entry : policy.trust) {
    WarnOfExpiry(entry, "trust", today, problems);
    if (entry.digest.empty())
      problems.AddAt(entry.line,
                     "trust: names no digest, so that any bundle that calls itself {} is trusted",
                     entry.plugin);
  }
  for (const AllowEntry& entry : policy.allow) {
    WarnOfExpiry(entry, "allow", today, problems);
    if (entry.digest.empty())
      problems.AddAt(
          entry.line,
          "allow: names no digest, so that any bundle that calls itself {} gets what is given",
          entry.plugin);
    for (const NetworkRule& rule : entry.egress) {
      if (rule.host.starts_with("*"))
        problems.AddAt(entry.line,
                       "allow: {} lets data out to every name below it: whoever may make one there "
                       "receives it",
                       rule.host);
    }
    for (const oci::MountGrant& mount : entry.mounts) {
      if (!mount.read_only)
        problems.AddAt(entry.line, "allow: {} of the host may be written to", mount.source);
    }
  }
  for (const oci::RuntimeClass runtime_class : policy.untrusted.runtime_classes) {
    if (policy.allow_untrusted &&
        (runtime_class == oci::RuntimeClass::kRunc || runtime_class == oci::RuntimeClass::kCrun))
      problems.AddAt(policy.untrusted.runtime_classes_line,
                     "untrusted.runtime_classes: under {} untrusted code meets the host's kernel; "
                     "gvisor and kata give it one of its own",
                     oci::Name(runtime_class));
  }
}

}  // namespace vortex::policy
