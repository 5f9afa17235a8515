// SPDX-License-Identifier: Apache-2.0
#include "sandbox/egress_namespace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "base/files.h"
#include "base/status.h"

namespace vortex::sandbox {
namespace {

constexpr int kBacklog = 128;

absl::Status LoopbackUp(int socket) {
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP;
  if (::ioctl(socket, SIOCSIFFLAGS, &request) != 0) return ErrnoStatus(errno, "set lo up");
  return absl::OkStatus();
}

absl::StatusOr<base::UniqueFd> InNewNamespace(const std::string& path, const char* address,
                                              std::uint16_t port) {
  if (::unshare(CLONE_NEWNET) != 0) return ErrnoStatus(errno, "unshare the network namespace");
  base::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) return ErrnoStatus(errno, "socket");
  VX_RETURN_IF_ERROR(LoopbackUp(listener.get()));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &name.sin_addr);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
      ::listen(listener.get(), kBacklog) != 0) {
    return ErrnoStatus(errno, fmt::format("listen on {}:{}", address, port));
  }
  if (::mount("/proc/thread-self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return ErrnoStatus(errno, fmt::format("pin the network namespace at {}", path));
  }
  return listener;
}

}  // namespace

absl::StatusOr<base::UniqueFd> MakeEgressNamespace(const std::string& path, const char* address,
                                                   std::uint16_t port) {
  VX_RETURN_IF_ERROR(base::OpenFile(path, O_RDONLY | O_CREAT | O_EXCL, 0400).status());
  // A thread of its own, which takes the way into the namespace with it.
  absl::StatusOr<base::UniqueFd> listener = base::UniqueFd();
  std::thread([&] { listener = InNewNamespace(path, address, port); }).join();
  if (!listener.ok()) ::unlink(path.c_str());
  return listener;
}

void RemoveEgressNamespace(const std::string& path) {
  ::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  ::unlink(path.c_str());
}

}  // namespace vortex::sandbox
