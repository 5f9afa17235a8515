// SPDX-License-Identifier: Apache-2.0
#include "base/pidfd.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace vortex::base {

Result<UniqueFd> PidfdOpen(int pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return Errno{errno, "pidfd_open"};
  return UniqueFd(static_cast<int>(fd));
}

int PidfdKill(int pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0 ? 0 : errno;
}

}  // namespace vortex::base
