// SPDX-License-Identifier: Apache-2.0
// What a sandbox's own kernel (gVisor's sentry) wrote when it died of itself.
#pragma once

#include <string>
#include <string_view>

namespace vortex::shim {

// In the bundle; runsc makes it, empty, for every sandbox (its flag --panic-log).
inline constexpr char kPanicLog[] = "panic.log";

// The line of Go's report that says why ("panic: …", "fatal error: …"), else the first one with
// text; at most 300 bytes. Empty when nothing was written.
std::string PanicReason(std::string_view log);

}  // namespace vortex::shim
