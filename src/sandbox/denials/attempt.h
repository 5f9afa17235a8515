// SPDX-License-Identifier: Apache-2.0
// What the observers of one run share: an attempt, and what they say of themselves.
#pragma once

#include <string>

namespace vortex::sandbox {

// One refused attempt, as an observer saw it. The rule and what would allow it follow from it
// (DescribeAttempt in denial_log.h).
struct Attempt {
  std::string control;  // as in Denial
  std::string action;
  std::string target;
  std::string rule;
  int errno_value = 0;
};

// Rules of the sandbox, as records name them (docs/user/denials.md).
inline constexpr char kRuleNoFile[] = "isolation.root-filesystem";
inline constexpr char kRuleNoDevice[] = "isolation.devices";
inline constexpr char kRuleReadOnly[] = "isolation.read-only";
inline constexpr char kRuleNotRoot[] = "isolation.user-namespace";
inline constexpr char kRuleNoExec[] = "isolation.noexec";
inline constexpr char kRuleNetwork[] = "isolation.network-namespace";
inline constexpr char kRuleNoResolver[] = "isolation.no-resolver";
inline constexpr char kRuleSeccomp[] = "isolation.seccomp";
inline constexpr char kRuleCapabilities[] = "isolation.capabilities";

}  // namespace vortex::sandbox
