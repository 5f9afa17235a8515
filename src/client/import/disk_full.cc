// SPDX-License-Identifier: Apache-2.0
#include "client/import/disk_full.h"

#include <string>

#include "base/status.h"

namespace vortex::client::importing {

absl::Status MapDiskFull(const absl::Status& status, std::string_view object) {
  if (status.ok()) return status;
  const std::string_view text = Message(status);
  for (const std::string_view words : {"no space left on device", "disk quota exceeded"}) {
    if (text.find(words) != std::string_view::npos) {
      return Error(absl::StatusCode::kResourceExhausted, "{}: {}", object, text);
    }
  }
  return status;
}

}  // namespace vortex::client::importing
