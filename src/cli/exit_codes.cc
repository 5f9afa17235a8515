// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_codes.h"

#include <signal.h>

namespace vortex::cli {

int ExitCodeFor(const sandbox::Termination& termination) {
  using sandbox::Cause;
  // What the kernel or we killed ended by SIGKILL, whoever saw it.
  constexpr int kKilled = 128 + SIGKILL;
  switch (termination.cause) {
    case Cause::kOk:
      return 0;
    case Cause::kDeadline:
      return kExitBudget;
    case Cause::kPolicyDenied:
    case Cause::kSandboxUnavailable:
    case Cause::kSandboxLost:
      return kExitSandbox;
    case Cause::kSpawnFailed:
      // The code comes from inside the sandbox: a failed run must not look like a success.
      return termination.exit_code.value_or(0) != 0 ? *termination.exit_code : kExitNotExecutable;
    case Cause::kCancelled:
      return 128 + SIGINT;
    case Cause::kSignal:
      return 128 + termination.signal.value_or(SIGKILL);
    case Cause::kOom:
    case Cause::kOutputLimit:
    case Cause::kCpuBudget:
    case Cause::kPidsLimit:
    case Cause::kDiskLimit:
    case Cause::kPluginError:
      break;
  }
  if (termination.signal) return 128 + *termination.signal;
  // A plugin may exit with 0 and still fail (no result); the caller must see a failure.
  if (termination.exit_code) return *termination.exit_code == 0 ? 1 : *termination.exit_code;
  return kKilled;
}

}  // namespace vortex::cli
