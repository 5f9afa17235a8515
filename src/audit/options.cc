// SPDX-License-Identifier: Apache-2.0
#include "audit/options.h"

#include "base/status.h"

namespace vortex::audit {

absl::StatusOr<Fsync> ParseFsync(std::string_view text) {
  if (text == "always") return Fsync::kAlways;
  if (text == "interval") return Fsync::kInterval;
  if (text == "never") return Fsync::kNever;
  return InvalidArgument("fsync policy {}: none of always, interval, never", text);
}

absl::StatusOr<OnFull> ParseOnFull(std::string_view text) {
  if (text == "fail_closed") return OnFull::kFailClosed;
  if (text == "fail_open") return OnFull::kFailOpen;
  return InvalidArgument("on_full {}: none of fail_closed, fail_open", text);
}

}  // namespace vortex::audit
