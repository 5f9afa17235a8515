// SPDX-License-Identifier: Apache-2.0
// What a document must be before yaml-cpp may see it, and what its scalars mean to other readers.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"

namespace vortex::policy {

// All opening brackets together bound the nesting of flow collections, whatever quotes hide or fake
// closing ones.
inline constexpr std::size_t kMaxBrackets = 256;

// InvalidArgument with file, line and column: too large, not UTF-8, control characters, or nested
// so deep that yaml-cpp, which recurses, could run out of stack. Linear in the size of the text.
absl::Status CheckBeforeParsing(std::string_view text, std::string_view file, std::size_t max_bytes,
                                std::size_t max_brackets = kMaxBrackets);

// Whether a scalar without quotes is text under YAML 1.1 and 1.2 alike: not a boolean ("no", "on"),
// not null, not a number, not a date.
//   Source  yaml.org/type (1.1: bool, int, float, null, timestamp), YAML 1.2.2 section 10.3.2
bool IsTextToEveryReader(std::string_view scalar);

}  // namespace vortex::policy
