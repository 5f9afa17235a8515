// SPDX-License-Identifier: Apache-2.0
#include "policy/gate.h"

#include <functional>

#include "base/status.h"
#include "policy/units.h"

namespace vortex::policy {
namespace {

std::string FormatCount(std::int64_t count) { return std::to_string(count); }

// One limit from default, manifest and request, in that order.
template <typename T>
struct LimitRule {
  const char* name;
  std::optional<T> LimitRequest::*asked;
  T LimitSet::*given;
  std::function<std::string(T)> format;

  absl::Status Apply(const Manifest& manifest, const RunRequest& request, Grant& grant) const {
    T value = DefaultLimits().*given;
    const char* source = "default";
    std::string detail = "default " + format(value);
    if (const auto& from_manifest = manifest.limits.*asked) {
      VX_RETURN_IF_ERROR(CheckRange(*from_manifest, "manifest"));
      value = *from_manifest;
      source = "manifest";
      detail += ", manifest " + format(value);
      grant.requested.*asked = value;
    }
    if (const auto& from_request = request.limits.*asked) {
      VX_RETURN_IF_ERROR(CheckRange(*from_request, "request"));
      if (*from_request > value) {
        return InvalidArgument(
            "[limits.{}.request] {} is above the granted {} of the {}; a request may only narrow "
            "it, "
            "raise limits.{} in the manifest (at most {})",
            name, format(*from_request), format(value), source, name,
            format(MaximumLimits().*given));
      }
      value = *from_request;
      source = "request";
      detail += ", request " + format(value);
      grant.requested.*asked = value;
    }
    grant.limits.*given = value;
    grant.rules.push_back({fmt::format("limits.{}.{}", name, source), format(value), detail});
    return absl::OkStatus();
  }

  absl::Status CheckRange(T value, const char* source) const {
    const T low = MinimumLimits().*given;
    const T high = MaximumLimits().*given;
    if (value >= low && value <= high) return absl::OkStatus();
    return InvalidArgument("[limits.{}.{}] {} is out of range; use {} to {}", name, source,
                           format(value), format(low), format(high));
  }
};

absl::Status ApplyLimits(const Manifest& manifest, const RunRequest& request, Grant& grant) {
  using Count = std::int64_t;
  const LimitRule<Count> counts[] = {
      {"memory", &LimitRequest::memory_bytes, &LimitSet::memory_bytes, FormatBytes},
      {"cpus", &LimitRequest::millicpus, &LimitSet::millicpus, FormatCpus},
      {"pids", &LimitRequest::pids, &LimitSet::pids, FormatCount},
      {"tmp", &LimitRequest::tmp_bytes, &LimitSet::tmp_bytes, FormatBytes},
      {"output", &LimitRequest::output_bytes, &LimitSet::output_bytes, FormatBytes}};
  for (const auto& rule : counts) VX_RETURN_IF_ERROR(rule.Apply(manifest, request, grant));
  const LimitRule<std::chrono::milliseconds> budget{"budget", &LimitRequest::budget,
                                                    &LimitSet::budget, FormatDuration};
  return budget.Apply(manifest, request, grant);
}

// What opens the sandbox is never given because a plugin asks for it.
absl::Status RefusePrivileges(const Manifest& manifest, Grant& grant) {
  const auto refuse = [&](const char* field, const std::string& what) {
    return Error(absl::StatusCode::kPermissionDenied,
                 "[{}.not-allowlisted] plugin {} asks for {} in {} of its manifest, which needs an "
                 "entry in the operator's allowlist",
                 field, manifest.id, what, field);
  };
  if (!manifest.network.empty()) {
    const NetworkRule& rule = manifest.network.front();
    return refuse("network", fmt::format("network access to {}:{}", rule.host, rule.port));
  }
  if (!manifest.capabilities.empty()) {
    return refuse("capabilities", "the capability " + manifest.capabilities.front());
  }
  if (!manifest.gpus.empty()) return refuse("gpus", "the device " + manifest.gpus.front());
  for (const char* field : {"network", "capabilities", "gpus"}) {
    grant.rules.push_back({fmt::format("{}.default", field), "none", "not asked for"});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Grant> Gate(const Manifest& manifest, const RunRequest& request) {
  Grant grant;
  grant.plugin_id = manifest.id;
  grant.plugin_version = manifest.version;
  grant.runtime_class = request.runtime_class;
  VX_RETURN_IF_ERROR(RefusePrivileges(manifest, grant));
  VX_RETURN_IF_ERROR(ApplyLimits(manifest, request, grant));
  return grant;
}

}  // namespace vortex::policy
