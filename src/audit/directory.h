// SPDX-License-Identifier: Apache-2.0
// The directory of an audit log: its lock, its head file, its segments. Not thread-safe; between
// processes, hold the lock.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace vortex::audit {

class Directory {
 public:
  // Makes it (0750) when `create`. Errors name the path.
  static absl::StatusOr<Directory> Open(const std::string& path, bool create);

  // flock(2) on the directory itself: there is no lock file that could be removed. Freed by the
  // lock's end or the process's death.
  //   Unavailable  another process has held it for kLockTimeout
  class Lock {
   public:
    explicit Lock(int fd) : fd_(fd) {}
    Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock();

   private:
    int fd_;
  };
  absl::StatusOr<Lock> TakeLock(bool shared = false) const;

  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }
  // The path leads somewhere else by now, or nowhere.
  bool Replaced() const;

  std::string PathOf(const std::string& name) const { return path_ + "/" + name; }
  // openat(2) in the directory, never through a link.
  absl::StatusOr<base::UniqueFd> OpenFile(const std::string& name, int flags) const;
  // Names of sealed segments, oldest first.
  absl::StatusOr<std::vector<std::string>> SealedSegments() const;
  // NotFound: there is no such file.  AlreadyExists: `to` does.
  absl::Status Rename(const std::string& from, const std::string& to) const;
  absl::Status Sync() const;

 private:
  Directory(std::string path, base::UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  base::UniqueFd fd_;
};

}  // namespace vortex::audit
