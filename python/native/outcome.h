// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "sandbox/result.h"

namespace vortex::python {

// What one run amounted to, ready for the interpreter: made on the run's own thread, so that the
// event loop only copies bytes.
struct Outcome {
  absl::Status status;   // not ok: the request was not runnable; all else is empty
  std::string document;  // sandbox::ResultToJson without the four texts below
  std::string output;    // JSON text
  std::string stdout_kept;
  std::string stderr_kept;
  std::string spec_json;
};

Outcome MakeOutcome(absl::StatusOr<sandbox::SandboxResult> result);

// "invalid_argument", "not_found", …
const char* CodeName(absl::StatusCode code);

}  // namespace vortex::python
