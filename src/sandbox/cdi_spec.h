// SPDX-License-Identifier: Apache-2.0
// One file of the Container Device Interface, read strictly: what is not understood is refused, and
// so is what a sandbox could not honour. Pure.
//   Source  CDI specification 0.3.0 to 1.0.0 (and 1.1.0 without what that adds), SPEC.md
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "oci/cdi_edits.h"

namespace vortex::sandbox {

// NVIDIA's file of an eight-GPU node is some 100 KiB.
inline constexpr std::size_t kMaxCdiBytes = 1 << 20;

struct CdiSpecDevice {
  std::string name;   // qualified: "nvidia.com/gpu=0"
  std::string where;  // "/etc/cdi/nvidia.yaml:4"
  oci::CdiEdits edits;
};

struct CdiSpec {
  oci::CdiEdits edits;  // with any device of the file, before its own
  std::vector<CdiSpecDevice> devices;
};

// JSON when `file` ends in .json, else YAML. Host facts are not filled in.
//   InvalidArgument  "<file>:<line>:<column>: <field>: …"
absl::StatusOr<CdiSpec> ParseCdiSpec(std::string_view text, std::string_view file);

}  // namespace vortex::sandbox
