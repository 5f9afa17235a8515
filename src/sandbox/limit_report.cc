// SPDX-License-Identifier: Apache-2.0
#include "sandbox/limit_report.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

#include "base/status.h"

namespace vortex::sandbox {
namespace {

constexpr std::int64_t kPageSlack = 64 * 1024;  // the largest page size of a supported kernel

absl::Status Check(std::string_view control, std::int64_t granted,
                   std::optional<std::int64_t> readback, std::int64_t slack) {
  if (!readback) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "control {}: granted {}, but the kernel does not tell what is in force", control,
                 granted);
  }
  if (*readback > granted || *readback < granted - slack) {
    return Error(absl::StatusCode::kFailedPrecondition, "control {}: granted {}, in force is {}",
                 control, granted, *readback);
  }
  return absl::OkStatus();
}

template <typename T>
std::optional<std::int64_t> Signed(const std::optional<T>& value) {
  if (!value) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::int64_t Milliseconds(std::chrono::milliseconds value) { return value.count(); }

}  // namespace

absl::Status CheckLimitsInForce(const oci::Resources& asked, const CgroupLimits& readback) {
  const std::int64_t memory = asked.memory_limit;
  VX_RETURN_IF_ERROR(Check("memory", memory, readback.memory_bytes, kPageSlack));
  // Beyond the memory limit: the spec counts both together.
  VX_RETURN_IF_ERROR(
      Check("swap", asked.memory_swap.value_or(memory) - memory, readback.swap_bytes, 0));
  const auto millicpus = static_cast<std::int64_t>(asked.cpu_quota * 1000 /
                                                   std::max<std::uint64_t>(asked.cpu_period, 1));
  VX_RETURN_IF_ERROR(Check("cpu", millicpus, readback.millicpus, 0));
  return Check("pids", asked.pids_limit.value_or(0), readback.pids, 0);
}

std::vector<LimitReport> MakeLimitReport(const policy::Grant& grant, const CgroupLimits& readback,
                                         const SandboxResult& result) {
  const policy::LimitRequest& requested = grant.requested;
  const policy::LimitSet& limits = grant.limits;
  std::optional<std::int64_t> budget_requested;
  if (requested.budget) budget_requested = Milliseconds(*requested.budget);
  const auto output_used = static_cast<std::int64_t>(
      std::max(result.stdout_stream.bytes_total, result.stderr_stream.bytes_total));
  return {
      {"memory_bytes", requested.memory_bytes, limits.memory_bytes, readback.memory_bytes,
       Signed(result.usage.memory_peak_bytes)},
      {"millicpus", requested.millicpus, limits.millicpus, readback.millicpus, std::nullopt},
      {"pids", requested.pids, limits.pids, readback.pids, Signed(result.usage.pids_peak)},
      {"budget_ms", budget_requested, Milliseconds(limits.budget), std::nullopt,
       std::chrono::duration_cast<std::chrono::milliseconds>(result.total).count()},
      {"tmp_bytes", requested.tmp_bytes, limits.tmp_bytes, std::nullopt, std::nullopt},
      {"output_bytes", requested.output_bytes, limits.output_bytes, std::nullopt, output_used},
  };
}

}  // namespace vortex::sandbox
