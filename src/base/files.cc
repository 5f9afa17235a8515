// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/sha256.h"
#include "base/status.h"

namespace vortex::base {

absl::StatusOr<UniqueFd> OpenFile(const std::string& path, int flags, mode_t mode) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return ErrnoStatus(errno, fmt::format("open {}", path));
  return fd;
}

absl::StatusOr<UniqueFd> OpenBeneath(int dir_fd, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: a rename raced with the walk; openat2(2) asks for a retry.
  for (int attempt = 0; attempt < 16; ++attempt) {
    UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, dir_fd, path.c_str(), &how, sizeof how)));
    if (fd) return fd;
    if (errno != EAGAIN) break;
  }
  return ErrnoStatus(errno, fmt::format("open {}", path));
}

absl::StatusOr<std::string> ReadFd(int fd, std::size_t limit, std::string_view name) {
  std::string out;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, fmt::format("read {}", name));
    }
    if (n == 0) return out;
    if (out.size() + static_cast<std::size_t>(n) > limit) {
      return Error(absl::StatusCode::kOutOfRange, "read {}: larger than the limit of {} bytes",
                   name, limit);
    }
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

absl::StatusOr<std::string> ReadFile(const std::string& path, std::size_t limit) {
  VX_ASSIGN_OR_RETURN(UniqueFd fd, OpenFile(path, O_RDONLY));
  return ReadFd(fd.get(), limit, path);
}

absl::Status WriteAll(int fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, fmt::format("write {}", name));
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status WriteFileAtomic(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::string temporary = fmt::format("{}.{}.tmp", path, RandomHex(4));
  VX_ASSIGN_OR_RETURN(UniqueFd fd, OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL, mode));
  absl::Status written = WriteAll(fd.get(), bytes, temporary);
  if (written.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = ErrnoStatus(errno, fmt::format("rename {} to {}", temporary, path));
  }
  if (!written.ok()) ::unlink(temporary.c_str());
  return written;
}

absl::Status MakeDirs(const std::string& path, mode_t mode) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
      return ErrnoStatus(errno, fmt::format("mkdir {}", part));
    }
    if (end != std::string::npos) continue;
    struct stat last {};
    if (::stat(part.c_str(), &last) != 0) return ErrnoStatus(errno, fmt::format("stat {}", part));
    if (!S_ISDIR(last.st_mode)) return ErrnoStatus(ENOTDIR, fmt::format("mkdir {}", part));
    return absl::OkStatus();
  }
}

absl::Status RemoveTree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return ErrnoStatus(error.value(), fmt::format("remove {}", path));
  return absl::OkStatus();
}

std::string RandomHex(std::size_t bytes) {
  std::vector<std::uint8_t> raw(bytes);
  // getrandom(2) gives up to 256 bytes whole once the pool is ready; ours are shorter.
  if (::getrandom(raw.data(), raw.size(), 0) != static_cast<ssize_t>(raw.size())) std::abort();
  return HexLower(raw.data(), raw.size());
}

}  // namespace vortex::base
