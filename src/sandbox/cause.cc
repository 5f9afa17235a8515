// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cause.h"

namespace vortex::sandbox {

std::string_view CauseName(Cause cause) {
  switch (cause) {
    case Cause::kOk:
      return "ok";
    case Cause::kPluginError:
      return "plugin_error";
    case Cause::kSignal:
      return "signal";
    case Cause::kOom:
      return "oom";
    case Cause::kDeadline:
      return "deadline";
    case Cause::kCpuBudget:
      return "cpu_budget";
    case Cause::kPidsLimit:
      return "pids_limit";
    case Cause::kOutputLimit:
      return "output_limit";
    case Cause::kDiskLimit:
      return "disk_limit";
    case Cause::kPolicyDenied:
      return "policy_denied";
    case Cause::kSandboxUnavailable:
      return "sandbox_unavailable";
    case Cause::kSpawnFailed:
      return "spawn_failed";
    case Cause::kCancelled:
      return "cancelled";
    case Cause::kSandboxLost:
      return "sandbox_lost";
  }
  return "unknown";
}

}  // namespace vortex::sandbox
