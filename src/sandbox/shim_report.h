// SPDX-License-Identifier: Apache-2.0
// The run report that our shim leaves (proto/vortex/v1/report.proto), as the runner uses it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "sandbox/cgroup.h"
#include "sandbox/plugin_records.h"
#include "sandbox/result.h"

namespace vortex::sandbox {

// Largest report that is read; the shim's are below 4 KiB.
inline constexpr std::size_t kMaxReportBytes = 1 << 20;

// Annotations by which the runner asks the shim for its services (docs/developer/shim.md).
inline constexpr char kReportAnnotation[] = "io.vortex.report";
inline constexpr char kDeadlineAnnotation[] = "io.vortex.deadline-unix-ns";

struct ShimReport {
  CgroupCounters counters;
  // The kernel killed for a limit above the run's own: the node's memory, not the plugin's fault.
  std::uint64_t oom_kills_parent = 0;
  bool killed_at_deadline = false;
  // Why the sandbox's own kernel (the sentry) died; empty: it did not.
  std::string panic;
  // The control that the shim found not to be in force; empty: all were.
  std::string missing_control;
  std::vector<ControlReport> controls;
  // Its own steps, inside the runner's phases create and start.
  std::vector<Phase> phases;
};

// A control that the shim could not see in time (its reading begins so) takes init's word for it.
inline constexpr char kNotSeen[] = "not seen";
// The seccomp filter of a program that was over before the shim looked. Returns what is wrong by
// init's word: "sandbox_unavailable: …", else "".
std::string CompleteControls(const InitRecord& init, std::vector<ControlReport>* controls);

// DataLoss: the bytes are no report.
absl::StatusOr<ShimReport> ParseShimReport(std::string_view bytes);

}  // namespace vortex::sandbox
