// SPDX-License-Identifier: Apache-2.0
// Parses the two records that end a plugin's stdout. The bytes are untrusted.
//   Source  docs/user/plugin-protocol.md
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "sandbox/result.h"

namespace vortex::sandbox {

// From the sandbox's init: how the plugin's process ended. Exactly one of the three is set.
struct InitRecord {
  std::optional<int> code;
  std::optional<int> signal;
  std::optional<int> exec_errno;
  // What the kernel told init of itself, and so of the command; absent where it does not tell.
  std::optional<int> seccomp;  // mode, 2: a filter
  std::optional<int> no_new_privs;
  std::string cap_eff;  // 16 hex digits
};

// From the harness (or a plugin of another language): a value or a failure.
struct ResultRecord {
  bool ok = false;
  std::string value;  // JSON text, when ok
  PluginFailure failure;
};

// What a caller may be given, whatever the plugin's memory was: 16 MiB of "[" or of "{}," would
// take it more than a gigabyte and many seconds to read.
inline constexpr int kMaxResultDepth = 200;
inline constexpr std::size_t kMaxResultValues = 1'000'000;

// InvalidArgument says what is wrong with the record.
absl::StatusOr<InitRecord> ParseInitRecord(const std::string& record);
absl::StatusOr<ResultRecord> ParseResultRecord(const std::string& record);

}  // namespace vortex::sandbox
