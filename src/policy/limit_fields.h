// SPDX-License-Identifier: Apache-2.0
// The limits that can be asked for, as data: what every reader and rule goes through.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/limits.h"
#include "policy/units.h"

namespace vortex::policy {

template <typename T>
struct LimitField {
  const char* name;  // in manifests, policies and rules
  std::optional<T> LimitRequest::*asked;
  T LimitSet::*given;
  absl::StatusOr<T> (*parse)(std::string_view);
  std::string (*format)(T);
  // A plain number, which stands without quotes.
  bool number = false;
};

inline std::string FormatCount(std::int64_t count) { return std::to_string(count); }

// Calls visit(LimitField) for each, always in the same order.
template <typename Visit>
void ForEachLimit(const Visit& visit) {
  using Count = LimitField<std::int64_t>;
  visit(Count{"memory", &LimitRequest::memory_bytes, &LimitSet::memory_bytes, ParseBytes,
              FormatBytes});
  visit(Count{"cpus", &LimitRequest::millicpus, &LimitSet::millicpus, ParseCpus, FormatCpus, true});
  visit(Count{"pids", &LimitRequest::pids, &LimitSet::pids, ParseCount, FormatCount, true});
  visit(Count{"tmp", &LimitRequest::tmp_bytes, &LimitSet::tmp_bytes, ParseBytes, FormatBytes});
  visit(Count{"output", &LimitRequest::output_bytes, &LimitSet::output_bytes, ParseBytes,
              FormatBytes});
  visit(LimitField<std::chrono::milliseconds>{"budget", &LimitRequest::budget, &LimitSet::budget,
                                              ParseDuration, FormatDuration});
}

}  // namespace vortex::policy
