// SPDX-License-Identifier: Apache-2.0
#include "shim/timestamps.h"

#include <time.h>

#include <algorithm>
#include <limits>

#include "google/protobuf/timestamp.pb.h"

namespace vortex::shim {

std::int64_t NowBootNs() {
  timespec now;
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

std::int64_t DeadlineOnBootClock(std::uint64_t unix_ns, std::int64_t now_unix_ns,
                                 std::int64_t now_boot_ns) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (unix_ns > static_cast<std::uint64_t>(kMax)) return kMax;
  const std::int64_t left = static_cast<std::int64_t>(unix_ns) - now_unix_ns;
  if (left > kMax - now_boot_ns) return kMax;
  return std::max<std::int64_t>(now_boot_ns + left, 0);
}

void SetTime(google::protobuf::Timestamp* out, std::int64_t unix_ns) {
  constexpr std::int64_t kGoZeroSeconds = -62135596800;
  out->set_seconds(unix_ns == 0 ? kGoZeroSeconds : unix_ns / 1'000'000'000);
  out->set_nanos(static_cast<std::int32_t>(unix_ns % 1'000'000'000));
}

}  // namespace vortex::shim
