// SPDX-License-Identifier: Apache-2.0
// Judges an OCI runtime spec of any origin, rule by rule. Pure: no I/O; the same text gives the
// same findings. Nothing in a spec is trusted, and nothing in it is skipped in silence: what is not
// known is a finding as well.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "review/json_tree.h"
#include "review/rules.h"

namespace vortex::review {

struct Finding {
  const Rule* rule = nullptr;
  Severity severity = Severity::kNote;
  std::string path;  // "mounts[3].source"
  Position at;
  std::string message;         // one line: the field, its value, what is wrong
  std::string not_applicable;  // why it does not count under this runtime class; mostly empty
};

struct AuditOptions {
  // "runc", "crun", "gvisor", "kata"; empty: what io.vortex.runtime-class says, else runc. Name it
  // for a spec of untrusted origin: an annotation that says gvisor silences rules.
  std::string runtime_class;
};

struct AuditReport {
  std::string runtime_class;
  std::string class_from;         // "the command line", "an annotation", "the default"
  std::vector<Finding> findings;  // in the order of the text

  // The worst that applies; -1 when there is none.
  int Worst() const;
};

// InvalidArgument for a text that is no JSON object or passes a limit (json_tree.h), or for an
// unknown class.
absl::StatusOr<AuditReport> AuditSpec(std::string_view text, const AuditOptions& options);
AuditReport AuditSpec(const Value& root, std::string runtime_class);

// For a terminal or a log: control characters of the spec's own words as \xNN, and cut at 200
// bytes.
std::string Printable(std::string_view text);

}  // namespace vortex::review
