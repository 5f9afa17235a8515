// SPDX-License-Identifier: Apache-2.0
// The messages of gVisor's trace points. The sentry is not trusted: it runs the plugin, so every
// byte may be the plugin's. Pure.
//   Source  gVisor pkg/sentry/seccheck/points/*.proto, sinks/remote/wire
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/denials/attempt.h"

namespace vortex::sandbox {

// Type of the event that a task's end is; it carries nothing that we use but the header.
inline constexpr int kTaskExitEvent = 5;

// The event that one packet carries, as far as we use it.
struct TraceEvent {
  std::uint32_t dropped = 0;  // so far, of the whole session
  int type = 0;
  bool exit = false;  // it says how the call ended
  std::int64_t result = 0;
  int errno_value = 0;
  std::uint64_t number = 0;  // of the system call
  std::string cwd;
  std::string fd_path;
  std::string path;  // open, execve
  std::uint64_t flags = 0;
  std::string address;  // connect: a sockaddr
  int domain = 0;       // socket
  int socket_type = 0;
  std::uint64_t args[6] = {};  // raw
};

// InvalidArgument-like: nothing for bytes that are no packet. Unknown types have only the header's
// fields.
std::optional<TraceEvent> ParseTraceEvent(std::string_view packet);

// The attempt that an event tells of, when it was refused and is worth a record. `granted_mounts`
// as in MissingFileIsDenial.
std::optional<Attempt> AttemptOf(const TraceEvent& event,
                                 const std::vector<std::string>& granted_mounts,
                                 const std::vector<std::string>& reachable_hosts);

// System calls that are traced by number, since they have no message of their own.
std::vector<int> TracedNumbers(bool network, bool filesystem);

}  // namespace vortex::sandbox
