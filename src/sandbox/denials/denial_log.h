// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "sandbox/denials/attempt.h"
#include "sandbox/result.h"

namespace vortex::sandbox {

// Longest target that is kept, in bytes; a longer one keeps its beginning.
inline constexpr std::size_t kMaxTargetBytes = 512;
// Most distinct records of one control and action. What is above is counted in one record with the
// target kOtherTargets, so that a flood of one kind hides no other kind and costs no memory.
inline constexpr std::size_t kMaxRecordsPerAction = 32;
inline constexpr char kOtherTargets[] = "(other targets)";

// The attempts of one run by one witness, equal ones counted. Not thread-safe.
class DenialLog {
 public:
  explicit DenialLog(std::string witness) : witness_(std::move(witness)) {}

  // `now_unix_ns` is wall clock.
  void Add(const Attempt& attempt, std::int64_t now_unix_ns);

  // In the order of the first attempt; records of what did not fit come last.
  std::vector<Denial> Records() const;

 private:
  struct Key {
    std::string control, action, target, rule;
    int errno_value;
    auto operator<=>(const Key&) const = default;
  };

  std::string witness_;
  std::map<Key, std::size_t> index_;
  std::map<std::pair<std::string, std::string>, std::size_t> per_action_;
  std::vector<Denial> records_;
};

// What would allow an attempt that `rule` refused, for a person.
std::string AllowedBy(std::string_view control, std::string_view rule);

}  // namespace vortex::sandbox
