// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/cgroup.h"
#include "sandbox/plugin_records.h"
#include "sandbox/result.h"

namespace vortex::sandbox {

// Why the runner itself killed the sandbox.
enum class KillIntent { kNone, kDeadline, kCancelled, kOutputLimit, kLost };

// All that was seen of a run that got as far as starting.
struct RunFacts {
  KillIntent kill_intent = KillIntent::kNone;
  std::string kill_detail;  // "budget of 2000 ms", "containerd: connection refused"
  // containerd's exit status of pid 1; absent when containerd could not tell.
  std::optional<std::uint32_t> exit_status;
  std::optional<InitRecord> init;
  std::optional<ResultRecord> result;
  std::string record_error;  // why a record could not be used
  CgroupCounters counters;
  // What only the shim can tell; empty and false without its report.
  std::string missing_control;
  std::string panic;                   // of the sandbox's own kernel
  std::string report_error;            // why there is no report
  bool killed_by_shim = false;         // at the deadline, for a runner that did not
  std::uint64_t oom_kills_parent = 0;  // for a memory limit above the run's own
  bool output_limit_passed = false;
};

// The cause, by the rules of docs/user/results.md. Pure: the same facts give the same verdict.
Termination Decide(const RunFacts& facts);

// Denials that the counters prove and that the plugin hints at.
std::vector<Denial> DenialsFrom(const RunFacts& facts);

}  // namespace vortex::sandbox
