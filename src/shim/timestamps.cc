// SPDX-License-Identifier: Apache-2.0
#include "shim/timestamps.h"

#include "google/protobuf/timestamp.pb.h"

namespace vortex::shim {

void SetTime(google::protobuf::Timestamp* out, std::int64_t unix_ns) {
  constexpr std::int64_t kGoZeroSeconds = -62135596800;
  out->set_seconds(unix_ns == 0 ? kGoZeroSeconds : unix_ns / 1'000'000'000);
  out->set_nanos(static_cast<std::int32_t>(unix_ns % 1'000'000'000));
}

}  // namespace vortex::shim
