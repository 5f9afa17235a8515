// SPDX-License-Identifier: Apache-2.0
// Two specs compared by what they allow, not by their text. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "review/json_tree.h"

namespace vortex::review {

enum class Direction { kTightens, kNeutral, kUnknown, kLoosens };

std::string_view Name(Direction direction);

struct Change {
  Direction direction = Direction::kUnknown;
  std::string what;    // "linux.maskedPaths: /proc/kcore"
  std::string before;  // "" when it was not there
  std::string after;
  std::string path;  // in the second spec, or the place where it would be
  Position at;
};

struct DiffOptions {
  // Ids, tokens and paths that differ between two runs of the same plugin are not compared.
  bool ignore_run_fields = false;
};

struct DiffReport {
  std::vector<Change> changes;  // what loosens first

  // Neither a loosening nor something unknown, which counts as one.
  bool Clean() const;
};

absl::StatusOr<DiffReport> DiffSpecs(std::string_view a, std::string_view b,
                                     const DiffOptions& options);
DiffReport DiffSpecs(const Value& a, const Value& b, const DiffOptions& options);

}  // namespace vortex::review
