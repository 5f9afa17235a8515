// SPDX-License-Identifier: Apache-2.0
#include "sandbox/runtime_classes.h"

#include <algorithm>

#include "base/status.h"
#include "sandbox/runtime_options.h"

namespace vortex::sandbox {

const std::vector<RuntimeClassInfo>& RuntimeClasses() {
  using oci::RuntimeClass;
  static const auto& table = *new std::vector<RuntimeClassInfo>{
      {RuntimeClass::kRunc, kRuncRuntime, "runc", "runc", true},
      {RuntimeClass::kCrun, "io.containerd.vortex.v2", "crun", "crun", false},
      {RuntimeClass::kGvisor, "io.containerd.vortex.v2", "runsc", "runsc", false},
      {RuntimeClass::kKata, "io.containerd.kata.v2", "containerd-shim-kata-v2", "(not in Debian)",
       false},
  };
  return table;
}

const RuntimeClassInfo& Find(oci::RuntimeClass runtime_class) {
  const auto& table = RuntimeClasses();
  return *std::find_if(table.begin(), table.end(), [&](const RuntimeClassInfo& row) {
    return row.runtime_class == runtime_class;
  });
}

absl::Status CheckRunnable(oci::RuntimeClass runtime_class) {
  if (Find(runtime_class).supported) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               "runtime class {}: known, but this version cannot run it yet; use runc",
               oci::Name(runtime_class));
}

}  // namespace vortex::sandbox
