// SPDX-License-Identifier: Apache-2.0
// The audit log of a node: one JSON line an event, chained by hashes, in one directory that any
// number of processes write to (docs/user/audit-log.md).
//
//   audit::Log log({.directory = "/var/log/vortex/audit"});
//   VX_ASSIGN_OR_RETURN(audit::Position position,
//                       log.Write({{"decision", R"("run_id":"run-1")"}}, audit::Log::kBeginning));
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/line.h"
#include "audit/options.h"
#include "audit/segment_writer.h"

namespace vortex::audit {

// Thread-safe; blocking. Nothing is opened before the first Write.
class Log {
 public:
  enum Moment {
    kBeginning,  // nothing has been done yet: there must be room for all that follows
    kUnderWay,   // it has been done: the reserve may be spent to tell
  };

  explicit Log(AuditOptions options);
  ~Log();

  // All events, in order and side by side, or none; gives the place of the last one. No events:
  // says whether the log can be written.
  // Errors name the directory, and are those of SegmentWriter::Append. They have been counted: the
  // next line that can be written tells how many records were lost.
  absl::StatusOr<Position> Write(const std::vector<Event>& events, Moment moment);

  const AuditOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vortex::audit
