// SPDX-License-Identifier: Apache-2.0
// Whether an audit log is whole. Reads only; writers may go on meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/directory.h"
#include "audit/head.h"

namespace vortex::audit {

// Something about the log, and where. Kinds that a writer's death can explain are notices; all
// others are problems: somebody has changed the files.
struct Finding {
  bool problem = true;
  // Problems  edited, deleted, reordered, inserted, segment_missing, truncated, head_missing,
  //           malformed, anchor_missing
  // Notices   torn (the last write was cut short), torn_closed (the same, followed by a line that
  //           says so), uncounted (whole lines behind the head), records_lost, oldest_missing
  std::string kind;
  std::string file;        // its name in the directory
  std::uint64_t line = 0;  // from 1; 0: the file itself
  std::string detail;
};

struct Verified {
  std::vector<Finding> findings;
  std::uint64_t segments = 0;
  std::uint64_t lines = 0;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::string head;  // hash of the last line: the anchor to keep elsewhere
  bool intact() const;
};

struct VerifyOptions {
  // A hash that was the head once: it must be in the chain. Empty: none.
  std::string expect_head;
  // Without the first line of the log, the oldest segments were deleted, not shipped away.
  bool from_start = false;
};

// Errors: the directory or a file in it cannot be read.
absl::StatusOr<Verified> Verify(const std::string& directory, const VerifyOptions& options);

// Calls `each` for every line, oldest first, until it returns false.
//   name  of the file; number  from 1 in the file; line  without its line feed; whole  it had one
using EachLine = std::function<bool(const std::string& name, std::uint64_t number,
                                    std::string_view line, bool whole)>;
absl::Status ReadLines(const std::string& directory, const EachLine& each);

}  // namespace vortex::audit
