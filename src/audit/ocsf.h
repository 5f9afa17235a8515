// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vortex::audit {

// One line of the audit log as one OCSF event, version 1.3 of the schema, one line of JSON
// (docs/user/audit-log.md has the mapping). `version` is of the product that writes the export.
//   InvalidArgument  not a line of an audit log
//   Source           schema.ocsf.io, classes 1001, 1003, 1007, 2004, 4001, 4003, 6002, 6003
absl::StatusOr<std::string> ToOcsf(std::string_view line, std::string_view version);

}  // namespace vortex::audit
