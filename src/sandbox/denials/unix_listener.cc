// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/unix_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>

#include "base/status.h"

namespace vortex::sandbox {

absl::StatusOr<base::UniqueFd> ListenAt(const std::string& path, int type) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return InvalidArgument("listen on {}: {} bytes, at most {} fit", path, path.size(),
                           sizeof address.sun_path - 1);
  path.copy(address.sun_path, path.size());
  base::UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return ErrnoStatus(errno, "socket");
  // Before bind, which makes the file with it: no moment in which others could connect.
  if (::fchmod(fd.get(), 0600) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 8) != 0)
    return ErrnoStatus(errno, "listen on " + path);
  return fd;
}

std::int64_t UnixNowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace vortex::sandbox
