// SPDX-License-Identifier: Apache-2.0
// What the operator decides of the audit log: plain data, which the policy file is read into too.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vortex::audit {

// When a line is on the disk, and not only with the kernel. A killed process loses nothing under
// any of them; a machine that loses power does.
enum class Fsync {
  kAlways,    // before the call that wrote it returns
  kInterval,  // when `fsync_interval` has passed since the last time, and when the log is closed
  kNever,     // whenever the kernel writes it back
};

// What becomes of a run whose records cannot be written.
enum class OnFull {
  kFailClosed,  // it is refused before anything is created
  kFailOpen,    // it goes on; the records are counted as lost
};

struct AuditOptions {
  // Empty: there is no audit log. Created (0750) when it is missing.
  std::string directory;
  Fsync fsync = Fsync::kInterval;
  std::chrono::milliseconds fsync_interval{1000};
  OnFull on_full = OnFull::kFailClosed;
  // A segment is sealed before it would be larger, or when a line comes after that age.
  std::uint64_t segment_bytes = 64 << 20;
  std::chrono::seconds segment_age{3600};
};

// InvalidArgument lists the values that there are.
absl::StatusOr<Fsync> ParseFsync(std::string_view text);    // always, interval, never
absl::StatusOr<OnFull> ParseOnFull(std::string_view text);  // fail_closed, fail_open

}  // namespace vortex::audit
