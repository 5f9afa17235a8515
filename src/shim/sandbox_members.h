// SPDX-License-Identifier: Apache-2.0
// What a runtime says about one of several containers in a sandbox of its own.
//   Source  runsc 2022-12 and 2024-07: `wait` and `events --stats`
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vortex::shim {

// {"id": …, "exitStatus": 0-255}, as `runsc wait` prints it; signals are 128 + n. Nothing for any
// other text.
std::optional<unsigned> ParseWaitOutput(std::string_view text);

// Of `runsc events --stats`. runsc 2022-12 counts memory and processes for the whole sandbox and no
// cpu time at all.
struct MemberStats {
  std::uint64_t cpu_ns = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t pids = 0;
};
std::optional<MemberStats> ParseMemberStats(std::string_view text);

}  // namespace vortex::shim
