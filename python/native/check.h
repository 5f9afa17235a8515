// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "sandbox/embedded_runner.h"

namespace vortex::python {

// Whether a run could start here: containerd answers, the image is there, a class's
// runtime is installed. Looks only, some milliseconds; sandbox::CheckNode proves it by running.
//   FailedPrecondition, Unavailable, …  what is missing, and what to do about it
absl::Status CheckReady(const sandbox::EmbeddedOptions& options);

}  // namespace vortex::python
