// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/directory.h"
#include "audit/head.h"
#include "audit/line.h"
#include "audit/options.h"

namespace vortex::audit {

// Where a line stands in the chain.
struct Position {
  std::uint64_t seq = 0;
  std::string hash;
};

struct Pending {
  WallTime time;
  Event event;
};

// Appends lines to the one chain of a directory, whoever else does: everything that must be agreed
// on is read under the directory's lock (docs/adr/0050). What a killed writer left is put in order
// by the next one, and said in the log. Not thread-safe; blocking.
class SegmentWriter {
 public:
  explicit SegmentWriter(AuditOptions options) : options_(std::move(options)) {}
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;
  // Forces what this object wrote to disk when the policy is `interval`.
  ~SegmentWriter();

  // All lines or none. Gives the position of the last one.
  //   `use_reserve`  when there is no space, spend what is kept for runs that have begun; else
  //                  the reserve must be there, full, before anything is written.
  //   Errors  ResourceExhausted: no space; Unavailable: the lock; what open(2) and write(2) say.
  absl::StatusOr<Position> Append(const std::vector<Pending>& lines, bool use_reserve);

 private:
  absl::Status Open();
  absl::StatusOr<Position> AppendLocked(const std::vector<Pending>& lines, bool use_reserve);
  // Brings head_ and active_ in step with the directory.
  absl::Status Load();
  absl::Status LoadHead(const std::string& bytes);
  // Without a head: from the end of the newest segment.
  absl::Status RebuildHead();
  absl::Status OpenActive();
  // What stands behind the head's end: lines whose writer died before it could count them, or
  // something else.
  absl::Status AdoptTail(std::uint64_t size);
  absl::Status BeginSegment();
  absl::Status Seal();
  absl::Status RenameSealed();
  absl::Status HoldReserve();
  void SpendReserve();
  // Adds to buffer_; FlushBuffer writes it, or nothing of it.
  absl::Status Add(WallTime time, const Event& event);
  absl::Status FlushBuffer();
  absl::Status SyncActive(WallTime now);
  absl::Status WriteHead();
  void Note(std::string_view reason, const std::string& more_fields);

  const AuditOptions options_;
  std::optional<Directory> dir_;
  base::UniqueFd head_fd_, active_;
  std::string head_bytes_;  // as last seen on disk
  Head head_;
  // Head after the lines in buffer_ have been written.
  Head next_;
  std::string buffer_;
  std::vector<Event> notes_;   // what the next writing must tell first
  std::uint64_t foreign_ = 0;  // bytes behind head_.bytes that are no lines of the chain
  bool spend_reserve_ = false;
  bool dirty_ = false;  // this object has written what is not forced to disk
};

}  // namespace vortex::audit
