// SPDX-License-Identifier: Apache-2.0
// The audit log's lines of one run. Metadata only: no payload, output text, exception message or
// query string, and every text that somebody else made is bounded. Pure but for the process's own
// ids and the node's name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "audit/line.h"
#include "sandbox/result.h"
#include "sandbox/runner.h"

namespace vortex::sandbox {

// What the gate came to. `admitted` is its answer: ok, granted; PermissionDenied, denied;
// FailedPrecondition, unavailable; InvalidArgument and NotFound, invalid; anything else,
// unavailable.
audit::Event DecisionEvent(const RunRequest& request, const SandboxResult& result,
                           const absl::Status& admitted);
std::string_view DecisionName(const absl::Status& admitted);

// The plugin's process has been started.
audit::Event StartEvent(const RunRequest& request, const SandboxResult& result);

// One line a kind of refused attempt, at most kMaxDenialEvents, then the end.
inline constexpr std::size_t kMaxDenialEvents = 100;
std::vector<audit::Event> EndEvents(const RunRequest& request, const SandboxResult& result);

// A denial's target without what may be secret: the query and fragment of a URL, and a password
// before its host.
std::string AuditTarget(const Denial& denial);

}  // namespace vortex::sandbox
