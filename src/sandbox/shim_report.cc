// SPDX-License-Identifier: Apache-2.0
#include "sandbox/shim_report.h"

#include <algorithm>

#include "base/status.h"
#include "vortex/v1/report.pb.h"

namespace vortex::sandbox {
namespace {

namespace v1 = ::vortex::v1;

// The shim's report has no field for "not counted": a counter of 0 may be either.
std::optional<std::uint64_t> Counted(std::uint64_t value) {
  if (value == 0) return std::nullopt;
  return value;
}

CgroupCounters Counters(const v1::Usage& usage) {
  CgroupCounters out;
  out.oom_kills = usage.oom_kills();
  out.cpu_usec = Counted(usage.cpu_usec());
  out.memory_peak_bytes = Counted(usage.memory_peak_bytes());
  out.pids_peak = Counted(usage.pids_peak());
  out.pids_denied = usage.pids_limit_hits();
  out.throttled_usec = usage.throttled_usec();
  out.throttled_periods = usage.nr_throttled();
  return out;
}

// Where the runner's phases are that the shim's steps belong to.
std::string PhaseName(const std::string& name) {
  return (name == "runtime_start" ? "start/" : name == "run" ? "run/" : "create/") + name;
}

}  // namespace

std::string CompleteControls(const InitRecord& init, std::vector<ControlReport>* controls) {
  std::string wrong;
  for (ControlReport& control : *controls) {
    if (control.name != "seccomp" || !control.readback.starts_with(kNotSeen) || !init.seccomp)
      continue;
    control.effective = *init.seccomp == 2 ? 1 : 0;
    control.readback = fmt::format("Seccomp: {}, told by init", *init.seccomp);
    if (*init.seccomp != 2) {
      wrong = fmt::format(
          "sandbox_unavailable: control seccomp: asked for a filter, in force was mode {}",
          *init.seccomp);
    }
  }
  return wrong;
}

absl::StatusOr<ShimReport> ParseShimReport(std::string_view bytes) {
  v1::RunReport report;
  if (bytes.empty() || !report.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      report.version() != 1) {
    return Error(absl::StatusCode::kDataLoss, "run report of the shim: {} bytes that do not decode",
                 bytes.size());
  }
  ShimReport out;
  out.counters = Counters(report.usage());
  out.oom_kills_parent = report.usage().oom_kills_parent();
  for (const v1::Evidence& evidence : report.termination().evidence()) {
    if (evidence.key() == "killed_at_deadline_unix_ns") out.killed_at_deadline = true;
    if (evidence.key() == "sandbox_panic") out.panic = evidence.value();
    if (evidence.key() == "missing_control") out.missing_control = evidence.value();
  }
  for (const v1::Limit& limit : report.limits()) {
    out.controls.push_back({limit.name(), limit.requested(), limit.effective(), limit.readback()});
  }
  for (const v1::Phase& phase : report.phases()) {
    // Unix time: a short phase may seem to end before it began.
    const std::chrono::nanoseconds duration(
        std::max<std::int64_t>(0, phase.end_unix_ns() - phase.start_unix_ns()));
    out.phases.push_back(
        {PhaseName(phase.name()), std::chrono::duration_cast<std::chrono::microseconds>(duration)});
  }
  return out;
}

}  // namespace vortex::sandbox
