// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace vortex::sandbox {

// The trace session for runsc (--pod-init-config), as JSON: the exits of what we make records of,
// sent to the socket. Retries are off: a slow reader must not slow the plugin down, dropped events
// are counted instead.
//   Source  gVisor pkg/sentry/seccheck
std::string TraceConfigJson(const std::string& socket_path, bool network, bool filesystem);

}  // namespace vortex::sandbox
