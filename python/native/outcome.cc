// SPDX-License-Identifier: Apache-2.0
#include "outcome.h"

#include <utility>

#include "sandbox/result_json.h"

namespace vortex::python {

Outcome MakeOutcome(absl::StatusOr<sandbox::SandboxResult> result) {
  Outcome out;
  out.status = result.status();
  if (!result.ok()) return out;
  // Large and binary: they travel beside the document.
  out.output = std::exchange(result->output, "");
  out.stdout_kept = std::exchange(result->stdout_stream.kept, "");
  out.stderr_kept = std::exchange(result->stderr_stream.kept, "");
  out.spec_json = std::exchange(result->spec_json, "");
  out.document = sandbox::ResultToJson(*result);
  return out;
}

const char* CodeName(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
      return "invalid_argument";
    case absl::StatusCode::kNotFound:
      return "not_found";
    case absl::StatusCode::kPermissionDenied:
      return "permission_denied";
    case absl::StatusCode::kFailedPrecondition:
      return "failed_precondition";
    case absl::StatusCode::kUnavailable:
      return "unavailable";
    case absl::StatusCode::kResourceExhausted:
      return "resource_exhausted";
    case absl::StatusCode::kDeadlineExceeded:
      return "deadline_exceeded";
    case absl::StatusCode::kCancelled:
      return "cancelled";
    default:
      return "internal";
  }
}

}  // namespace vortex::python
