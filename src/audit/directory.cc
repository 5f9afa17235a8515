// SPDX-License-Identifier: Apache-2.0
#include "audit/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "audit/head.h"
#include "base/files.h"
#include "base/status.h"

namespace vortex::audit {
namespace {

// A writer holds the lock for a write and at most a few fdatasync; a stopped one must not stop all.
constexpr std::chrono::seconds kLockTimeout{10};
constexpr std::chrono::microseconds kFirstPause{20}, kLongestPause{2000};

}  // namespace

absl::StatusOr<Directory> Directory::Open(const std::string& path, bool create) {
  if (create) VX_RETURN_IF_ERROR(base::MakeDirs(path, 0750));
  VX_ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenFile(path, O_RDONLY | O_DIRECTORY));
  struct stat info {};
  if (create && ::fstat(fd.get(), &info) == 0 && (info.st_mode & S_IWOTH) != 0) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "audit directory {} has mode {:04o}: anybody could write records (chmod o-w {})",
                 path, info.st_mode & 07777, path);
  }
  return Directory(path, std::move(fd));
}

Directory::Lock::~Lock() {
  if (fd_ >= 0) ::flock(fd_, LOCK_UN);
}

absl::StatusOr<Directory::Lock> Directory::TakeLock(bool shared) const {
  // flock has no timeout; held times are microseconds, so asking again is cheap.
  const auto give_up = std::chrono::steady_clock::now() + kLockTimeout;
  auto pause = kFirstPause;
  while (::flock(fd_.get(), (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return ErrnoStatus(errno, fmt::format("lock {}", path_));
    if (std::chrono::steady_clock::now() > give_up) {
      return Error(absl::StatusCode::kUnavailable, "lock {}: held by another process for {} s",
                   path_, kLockTimeout.count());
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
  return Lock(fd_.get());
}

bool Directory::Replaced() const {
  struct stat held {
  }, named{};
  return ::fstat(fd_.get(), &held) != 0 || ::stat(path_.c_str(), &named) != 0 ||
         held.st_ino != named.st_ino || held.st_dev != named.st_dev;
}

absl::StatusOr<base::UniqueFd> Directory::OpenFile(const std::string& name, int flags) const {
  // A FIFO in a file's place must not hold a run up.
  base::UniqueFd fd(
      ::openat(fd_.get(), name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640));
  if (!fd) return ErrnoStatus(errno, fmt::format("open {}", PathOf(name)));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return Error(absl::StatusCode::kFailedPrecondition, "open {}: not a regular file",
                 PathOf(name));
  }
  return fd;
}

absl::StatusOr<std::vector<std::string>> Directory::SealedSegments() const {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path_.c_str()), ::closedir);
  if (!dir) return ErrnoStatus(errno, fmt::format("read {}", path_));
  std::vector<std::string> out;
  while (const dirent* entry = ::readdir(dir.get()))
    if (ParseSegmentName(entry->d_name)) out.emplace_back(entry->d_name);
  std::sort(out.begin(), out.end());
  return out;
}

absl::Status Directory::Rename(const std::string& from, const std::string& to) const {
  if (::renameat2(fd_.get(), from.c_str(), fd_.get(), to.c_str(), RENAME_NOREPLACE) != 0)
    return ErrnoStatus(errno, fmt::format("rename {} to {}", PathOf(from), to));
  return absl::OkStatus();
}

absl::Status Directory::Sync() const {
  if (::fsync(fd_.get()) != 0) return ErrnoStatus(errno, fmt::format("fsync {}", path_));
  return absl::OkStatus();
}

}  // namespace vortex::audit
