// SPDX-License-Identifier: Apache-2.0
// The one shape in which a plugin is told that something did not go through.
#pragma once

#include <cstdint>
#include <string>

namespace vortex::egress {

struct Refused {
  int status = 403;  // 403 denied, 408 and 504 too slow, 431 too large, 502 failed, 503 too many
  std::string rule;
  std::string detail;
  std::string host;  // as asked for
  std::uint16_t port = 0;
  std::string allowed_by;  // empty: nothing does
};

// The whole HTTP/1.1 response; its body is {"error", "rule", "host", "port", "detail",
// "allowed_by"}. `error` is "egress_denied" for 403, else "egress_failed".
std::string RefusalResponse(const Refused& refused);

// The fatal TLS alert access_denied, for a client that has its tunnel already.
//   Source  RFC 8446, section 6.
std::string RefusalAlert();

}  // namespace vortex::egress
