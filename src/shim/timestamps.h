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

}  // namespace vortex::shim
