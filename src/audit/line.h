// SPDX-License-Identifier: Apache-2.0
// The form of one line of the audit log (docs/user/audit-log.md). Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vortex::audit {

inline constexpr int kSchemaVersion = 1;
// Of one line, with its line feed. Longer ones are refused by the writer.
inline constexpr std::size_t kMaxLineBytes = 64 * 1024;
// `prev` of the very first line.
inline constexpr std::string_view kNoHash =
    "0000000000000000000000000000000000000000000000000000000000000000";

// One thing that happened. `fields` is the rest of the JSON object, without braces, "\"k\":1,…";
// printable ASCII, no line feed.
struct Event {
  std::string type;  // "decision", "start", …
  std::string fields;
};

// What stands at the beginning of every line, in this order and without spaces.
struct LineHead {
  std::uint64_t seq = 0;  // 1 is the first line of a log; never a gap
  std::string prev;       // SHA-256 over the bytes of the line before, without its line feed; hex
  std::string time;       // RFC 3339, UTC, nanoseconds
  std::string type;
};

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

// "2026-11-24T16:54:09.123456789Z"
std::string Rfc3339(WallTime time);

// The line without its line feed.
std::string MakeLine(std::uint64_t seq, std::string_view prev, WallTime time, const Event& event);

// Empty when `line` does not begin as MakeLine writes it.
std::optional<LineHead> ParseLineHead(std::string_view line);

// SHA-256 in lower-case hex.
std::string HashOf(std::string_view line);

// The first `max_bytes` of `text`, never half a character; a text that was cut ends in an ellipsis.
std::string Bounded(std::string_view text, std::size_t max_bytes = 256);

// `text` as a JSON string, quotes and all: bounded, everything outside printable ASCII escaped,
// bytes that are no UTF-8 replaced.
std::string JsonText(std::string_view text, std::size_t max_bytes = 256);

}  // namespace vortex::audit
