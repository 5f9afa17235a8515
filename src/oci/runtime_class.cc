// SPDX-License-Identifier: Apache-2.0
#include "oci/runtime_class.h"

#include "base/status.h"

namespace vortex::oci {

std::string_view Name(RuntimeClass runtime_class) {
  switch (runtime_class) {
    case RuntimeClass::kRunc:
      return "runc";
    case RuntimeClass::kCrun:
      return "crun";
    case RuntimeClass::kGvisor:
      return "gvisor";
    case RuntimeClass::kKata:
      return "kata";
  }
  return "unknown";
}

absl::StatusOr<RuntimeClass> ParseRuntimeClass(std::string_view text) {
  for (RuntimeClass runtime_class :
       {RuntimeClass::kRunc, RuntimeClass::kCrun, RuntimeClass::kGvisor, RuntimeClass::kKata}) {
    if (Name(runtime_class) == text) return runtime_class;
  }
  return InvalidArgument("runtime class \"{}\": unknown; use runc, crun, gvisor or kata", text);
}

}  // namespace vortex::oci
