// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace vortex::sandbox {

// Why a run ended: one enum for every runtime class (docs/user/results.md explains each). It always
// rests on evidence: counters of the run's own cgroup, our own kill intent, the init's wait status.
enum class Cause {
  kOk,                  // the plugin returned a value
  kPluginError,         // it raised, exited, or returned nothing usable
  kSignal,              // it was ended by a signal that was not ours
  kOom,                 // the kernel killed in the run's own cgroup for memory
  kDeadline,            // budget_ms was over; we killed it
  kCpuBudget,           // reserved: no cpu budget can be asked for yet
  kPidsLimit,           // it failed, and the kernel had refused forks at the pids limit
  kOutputLimit,         // it printed more than the hard limit; we killed it
  kDiskLimit,           // it failed for want of space in /tmp or a file past the size limit
  kPolicyDenied,        // the gate said no; nothing was created
  kSandboxUnavailable,  // a sandbox as asked for cannot be had; the plugin did not start
  kSpawnFailed,         // the entrypoint is not there or cannot be executed
  kCancelled,           // the caller cancelled; we killed it
  kSandboxLost,         // containerd or the shim went away during the run
};

// "ok", "plugin_error", …; the form in JSON, metrics and audit.
std::string_view CauseName(Cause cause);

}  // namespace vortex::sandbox
