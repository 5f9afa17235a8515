// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "oci/job.h"

namespace vortex::sandbox {

// One row of the class table: how containerd runs a job of that class.
struct RuntimeClassInfo {
  oci::RuntimeClass runtime_class;
  std::string runtime_type;  // containerd runtime name
  std::string program;       // what must be on containerd's PATH
  std::string package;       // Debian's package of it
  bool supported = false;    // by this version of the runner
};

// The built-in table, every class once.
const std::vector<RuntimeClassInfo>& RuntimeClasses();
const RuntimeClassInfo& Find(oci::RuntimeClass runtime_class);

// FailedPrecondition when a job of that class cannot be run, with the reason; asked before anything
// is created.
absl::Status CheckRunnable(oci::RuntimeClass runtime_class);

}  // namespace vortex::sandbox
