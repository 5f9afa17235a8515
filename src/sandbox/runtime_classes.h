// SPDX-License-Identifier: Apache-2.0
// The class table: how containerd runs a job of each class. Built-in rows, over which an operator's
// runtime-classes.yaml may lay its own (docs/user/runtime-classes.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "oci/runtime_class.h"

namespace vortex::sandbox {

struct RuntimeClassInfo {
  oci::RuntimeClass runtime_class;
  // containerd's runtime name, or the absolute path of a shim.
  std::string runtime_type;
  // The OCI runtime: a name to be found on PATH, or an absolute path.
  std::string binary;
  std::string package;  // Debian's package of it
  bool enabled = true;
};

struct RuntimeClassTable {
  std::vector<RuntimeClassInfo> rows;  // every class once
  oci::RuntimeClass default_class = oci::RuntimeClass::kRunc;
};

RuntimeClassTable DefaultClasses();

// Largest runtime-classes.yaml.
inline constexpr std::size_t kMaxClassesBytes = 64 * 1024;

// The built-in table changed by the text of a file; `file_name` is for messages.
//   InvalidArgument  file, line, field and what would be right
absl::StatusOr<RuntimeClassTable> ParseClasses(std::string_view yaml, std::string_view file_name);

const RuntimeClassInfo& Find(const RuntimeClassTable& table, oci::RuntimeClass runtime_class);

// Absolute path of the class's runtime. Asked before anything is created; looks only.
//   FailedPrecondition  the class is not ready on this node: what is missing and how to get it
absl::StatusOr<std::string> FindReady(const RuntimeClassTable& table,
                                      oci::RuntimeClass runtime_class);

}  // namespace vortex::sandbox
