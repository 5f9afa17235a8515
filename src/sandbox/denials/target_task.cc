// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/target_task.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace vortex::sandbox {
namespace {

constexpr std::size_t kPage = 4096;  // or a multiple of it

// PIDFD_THREAD, Linux 6.9.
constexpr unsigned kPidfdThread = O_EXCL;

}  // namespace

std::optional<std::string> TargetTask::Read(std::uint64_t address, std::size_t size) const {
  std::string out(size, '\0');
  iovec local{out.data(), size};
  iovec remote{reinterpret_cast<void*>(address), size};
  const ssize_t n = ::process_vm_readv(tid_, &local, 1, &remote, 1, 0);
  if (n != static_cast<ssize_t>(size)) return std::nullopt;
  return out;
}

std::optional<std::string> TargetTask::ReadString(std::uint64_t address, std::size_t limit) const {
  std::string out;
  while (out.size() < limit) {
    // Never across a page that may not be there.
    const std::size_t left_in_page = kPage - (address + out.size()) % kPage;
    const auto part = Read(address + out.size(), std::min(left_in_page, limit - out.size()));
    if (!part) return std::nullopt;
    const std::size_t end = part->find('\0');
    out.append(*part, 0, end);
    if (end != std::string::npos) return out;
  }
  return std::nullopt;
}

base::UniqueFd TargetTask::Open(const std::string& name) const {
  const std::string path = "/proc/" + std::to_string(tid_) + "/" + name;
  return base::UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC));
}

std::string TargetTask::PeerOf(int fd) const {
  base::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, tid_, kPidfdThread)));
  if (!pidfd) {
    // Before 6.9 only the first thread of a process has one; descriptors are shared among them.
    const std::string path = "/proc/" + std::to_string(tid_) + "/status";
    std::FILE* file = std::fopen(path.c_str(), "re");
    if (file == nullptr) return "";
    char line[256];
    pid_t leader = 0;
    while (leader == 0 && std::fgets(line, sizeof line, file) != nullptr)
      if (std::strncmp(line, "Tgid:", 5) == 0) leader = std::atoi(line + 5);
    std::fclose(file);
    if (leader <= 0) return "";
    pidfd.Reset(static_cast<int>(::syscall(SYS_pidfd_open, leader, 0)));
    if (!pidfd) return "";
  }
  const base::UniqueFd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), fd, 0)));
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (!copy || ::getpeername(copy.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return "";
  return std::string(reinterpret_cast<const char*>(&address),
                     std::min<std::size_t>(size, sizeof address));
}

}  // namespace vortex::sandbox
