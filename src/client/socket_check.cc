// SPDX-License-Identifier: Apache-2.0
#include "client/socket_check.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/status.h"
#include "base/unique_fd.h"

namespace vortex::client {
namespace {

constexpr std::size_t kMaxNamespace = 76;

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

absl::Status ConnectError(int error, const std::string& path) {
  const std::string what = fmt::format("connect to containerd at {}", path);
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return Annotate(
          absl::Status(absl::StatusCode::kNotFound,
                       "no such socket (is containerd running, and is this its address?)"),
          what);
    case EACCES:
    case EPERM:
      return Annotate(
          absl::Status(absl::StatusCode::kPermissionDenied,
                       "the socket may not be opened (run as root, or as a member of the "
                       "socket's group)"),
          what);
    case ECONNREFUSED:
      return Annotate(
          absl::Status(absl::StatusCode::kUnavailable,
                       "the socket is there but nobody listens (containerd has stopped)"),
          what);
    case EAGAIN:
      return Annotate(absl::Status(absl::StatusCode::kUnavailable,
                                   "the socket's queue is full (containerd hangs)"),
                      what);
    default:
      return ErrnoStatus(error, what);
  }
}

}  // namespace

absl::StatusOr<std::string> SocketPath(const std::string& address) {
  std::string path = address;
  if (path.starts_with("unix://"))
    path.erase(0, 7);
  else if (path.starts_with("unix:"))
    path.erase(0, 5);
  if (!path.starts_with('/'))
    return InvalidArgument("containerd address '{}': must be the absolute path of a unix socket",
                           address);
  if (path.find('\0') != std::string::npos)
    return InvalidArgument("containerd address '{}': contains a zero byte", address.c_str());
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return InvalidArgument(
        "containerd address '{}': {} bytes long, a unix socket's path has at most {}", address,
        path.size(), sizeof(sockaddr_un::sun_path) - 1);
  return path;
}

absl::Status CheckSocket(const std::string& path) {
  struct stat info {};
  // connect(2) says ECONNREFUSED for a file that is not a socket, too.
  if (::stat(path.c_str(), &info) != 0) return ConnectError(errno, path);
  if (!S_ISSOCK(info.st_mode))
    return InvalidArgument("connect to containerd at {}: {}, not a socket", path,
                           S_ISDIR(info.st_mode) ? "a directory" : "a file");
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return ErrnoStatus(errno, fmt::format("connect to containerd at {}: socket", path));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    return ConnectError(errno, path);
  return absl::OkStatus();
}

absl::Status CheckNamespace(std::string_view name) {
  bool good = !name.empty() && name.size() <= kMaxNamespace && IsAlphanumeric(name.front()) &&
              IsAlphanumeric(name.back());
  for (std::size_t i = 0; good && i < name.size(); ++i) {
    if (IsAlphanumeric(name[i])) continue;
    const bool separator = name[i] == '.' || name[i] == '_' || name[i] == '-';
    good = separator && IsAlphanumeric(name[i + 1]);
  }
  if (good) return absl::OkStatus();
  return InvalidArgument(
      "containerd namespace '{}': must be letters and digits with single '.', '_' or '-' between "
      "them, "
      "1 to {} characters",
      name, kMaxNamespace);
}

}  // namespace vortex::client
