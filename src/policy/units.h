// SPDX-License-Identifier: Apache-2.0
// Sizes, durations and cpu counts as people write them. All strict: no white space, no sign, no
// exponent, no leading zeros; an error is InvalidArgument with the text and what would be right.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vortex::policy {

// "64m", "64MiB", "1g", "1048576": bytes; k, m, g are powers of 1024. 0 to 1 PiB.
absl::StatusOr<std::int64_t> ParseBytes(std::string_view text);
// "500ms", "2s", "1m", "1h"; a fraction is allowed ("1.5s") down to a millisecond. Up to 24 hours.
absl::StatusOr<std::chrono::milliseconds> ParseDuration(std::string_view text);
// "0.5" → 500 thousandths of a cpu; at most three decimals. Up to 1024 cpus.
absl::StatusOr<std::int64_t> ParseCpus(std::string_view text);
// A whole number.
absl::StatusOr<std::int64_t> ParseCount(std::string_view text);

// The shortest exact form, which the parser above reads back: "64m", "2s", "0.5".
std::string FormatBytes(std::int64_t bytes);
std::string FormatDuration(std::chrono::milliseconds duration);
std::string FormatCpus(std::int64_t millicpus);

}  // namespace vortex::policy
