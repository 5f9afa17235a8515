// SPDX-License-Identifier: Apache-2.0
// What an audit or a diff found, as text for people, as JSON, and as SARIF 2.1.0.
#pragma once

#include <string>

#include "review/audit.h"
#include "review/diff.h"

namespace vortex::review {

// Lines of at most 100 columns, the worst first; `file` is how the caller names the spec. Without
// `details` one line for each finding.
std::string AuditText(const AuditReport& report, const std::string& file, bool details);
std::string AuditJson(const AuditReport& report, const std::string& file);
// One run of the tool; rule metadata for every rule that has a finding.
//   Source  SARIF v2.1.0, OASIS, sections 3.14 to 3.49
std::string AuditSarif(const AuditReport& report, const std::string& file,
                       const std::string& version);

std::string DiffText(const DiffReport& report, const std::string& a, const std::string& b);
std::string DiffJson(const DiffReport& report, const std::string& a, const std::string& b);
std::string DiffSarif(const DiffReport& report, const std::string& a, const std::string& b,
                      const std::string& version);

}  // namespace vortex::review
