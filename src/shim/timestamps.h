// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace google::protobuf {
class Timestamp;
}

namespace vortex::shim {

// 0 becomes Go's zero time (year 1), which containerd's clients know as "not yet": an absent field
// would read as 1970.
void SetTime(google::protobuf::Timestamp* out, std::int64_t unix_ns);

// Nanoseconds of CLOCK_BOOTTIME.
std::int64_t NowBootNs();

// The time of CLOCK_BOOTTIME at which the wall clock would show `unix_ns` if nobody set it from now
// on; 0 for what is past since before the boot, the largest number for what is too far away.
std::int64_t DeadlineOnBootClock(std::uint64_t unix_ns, std::int64_t now_unix_ns,
                                 std::int64_t now_boot_ns);

}  // namespace vortex::shim
