// SPDX-License-Identifier: Apache-2.0
// The head file: where the log ends. Written under the lock after every line, so that a log that
// was cut at its end does not look whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vortex::audit {

inline constexpr char kHeadName[] = "head.json";
inline constexpr char kActiveName[] = "active.jsonl";
// Space kept for the last records of runs that have begun, when the disk is full.
inline constexpr char kReserveName[] = "reserve";
// Of the head file: one line of JSON, padded with spaces. Below a sector, so that a write of it is
// whole or not at all on the disks there are.
inline constexpr std::size_t kHeadBytes = 512;

struct Head {
  std::string log_id;               // 32 hex digits, made with the log
  std::uint64_t seq = 0;            // of the last line; 0: none yet
  std::string hash;                 // of the last line
  std::uint64_t segment = 0;        // number of the active segment, from 1
  std::uint64_t first_seq = 0;      // of the active segment
  std::uint64_t bytes = 0;          // of the active segment
  std::int64_t began_unix_ns = 0;   // when the active segment was begun
  std::int64_t synced_unix_ns = 0;  // when the active segment was last forced to disk
  std::uint64_t lost = 0;           // records that could not be written, not yet told by a line
  bool sealed = false;              // the last line seals the active segment; its rename is due

  bool operator==(const Head&) const = default;
};

// Exactly kHeadBytes.
std::string EncodeHead(const Head& head);
std::optional<Head> DecodeHead(std::string_view bytes);

// "00000000000000000001-00000000000000000042.jsonl": a sealed segment and the lines in it. Sorted
// by name is sorted by sequence.
std::string SegmentName(std::uint64_t first_seq, std::uint64_t last_seq);
struct SegmentRange {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
};
std::optional<SegmentRange> ParseSegmentName(std::string_view name);

}  // namespace vortex::audit
