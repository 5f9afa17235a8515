// SPDX-License-Identifier: Apache-2.0
#include "sandbox/stream_capture.h"

#include <algorithm>
#include <utility>

namespace vortex::sandbox {

void StreamCapture::Append(std::string_view bytes) {
  sha_.Update(bytes);
  result_.bytes_total += bytes.size();
  const std::uint64_t room = cap_ - result_.kept.size();
  result_.kept.append(bytes.substr(0, std::min<std::uint64_t>(room, bytes.size())));
}

StreamResult StreamCapture::Finish(bool complete) {
  result_.truncated = result_.bytes_total > result_.kept.size();
  result_.complete = complete;
  result_.digest = sha_.FinishDigest();
  return std::move(result_);
}

}  // namespace vortex::sandbox
