// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/denial_error.h"

#include "base/status.h"
#include "sandbox/denials/path_rules.h"

namespace vortex::sandbox {
namespace {

// getaddrinfo's own numbers are below zero and no errno; Python prints them like one.
bool TellsOfResolver(const PluginFailure& failure, const std::string& name) {
  return failure.message.find("[Errno -") != std::string::npos ||
         failure.message.find(name) != std::string::npos;
}

bool Explains(const Denial& denial, const PluginFailure& failure) {
  if (denial.witness == "guest") return false;
  if (denial.action == "resolve") return TellsOfResolver(failure, denial.target);
  if (!failure.errno_value || *failure.errno_value != denial.errno_value) return false;
  if (failure.filename.empty())
    return denial.control != "filesystem" && denial.control != "process";
  // The plugin's own words may be relative to its working directory, or name a link.
  const std::string named = CleanPath("/plugin", failure.filename);
  return denial.control == "filesystem" || denial.control == "process"
             ? named == denial.target || !failure.filename.starts_with('/')
             : false;
}

}  // namespace

std::optional<DenialError> ExplainFailure(const SandboxResult& result) {
  if (result.termination.cause != Cause::kPluginError || !result.failure) return std::nullopt;
  const Denial* best = nullptr;
  for (const Denial& denial : result.denials) {
    if (!Explains(denial, *result.failure)) continue;
    // The exception is the last thing that happened.
    if (best == nullptr || denial.last_unix_ns >= best->last_unix_ns) best = &denial;
  }
  if (best == nullptr) return std::nullopt;
  DenialError out{
      best->control, best->action, best->target, best->rule, best->witness, best->allowed_by, ""};
  out.message = fmt::format("denied: {} {}{}{} by {}", out.control, out.action,
                            out.target.empty() ? "" : " of ", out.target, out.rule);
  if (!out.allowed_by.empty()) out.message += "; what would allow it: " + out.allowed_by;
  return out;
}

}  // namespace vortex::sandbox
