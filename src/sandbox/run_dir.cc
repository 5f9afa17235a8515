// SPDX-License-Identifier: Apache-2.0
#include "sandbox/run_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/files.h"
#include "base/status.h"
#include "sandbox/egress.h"
#include "sandbox/egress_namespace.h"

namespace vortex::sandbox {
namespace {

std::string RunsPath(const std::string& state_dir) { return state_dir + "/runs"; }

// The lock is on the directory itself: it exists exactly as long as what it guards.
absl::StatusOr<base::UniqueFd> LockDirectory(const std::string& path) {
  VX_ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) {
    return Error(absl::StatusCode::kUnavailable, "lock {}: another live process owns it", path);
  }
  return ErrnoStatus(errno, fmt::format("lock {}", path));
}

}  // namespace

std::string RunDir::PathOf(const std::string& state_dir, const std::string& run_id) {
  return RunsPath(state_dir) + "/" + run_id;
}

absl::StatusOr<RunDir> RunDir::Create(const std::string& state_dir, const std::string& run_id) {
  VX_RETURN_IF_ERROR(base::MakeDirs(RunsPath(state_dir), 0711));
  const std::string path = PathOf(state_dir, run_id);
  // Locked under a name that List() skips, so that no collector can adopt it between mkdir and
  // flock.
  const std::string hidden = RunsPath(state_dir) + "/." + run_id;
  if (::mkdir(hidden.c_str(), 0711) != 0)
    return ErrnoStatus(errno, fmt::format("mkdir {}", hidden));
  absl::StatusOr<base::UniqueFd> lock = LockDirectory(hidden);
  if (lock.ok() && ::rename(hidden.c_str(), path.c_str()) == 0) {
    return RunDir(path, *std::move(lock));
  }
  absl::Status error =
      lock.ok() ? ErrnoStatus(errno, fmt::format("rename {} to {}", hidden, path)) : lock.status();
  ::rmdir(hidden.c_str());
  return error;
}

absl::StatusOr<RunDir> RunDir::Adopt(const std::string& state_dir, const std::string& run_id) {
  const std::string path = PathOf(state_dir, run_id);
  VX_ASSIGN_OR_RETURN(base::UniqueFd lock, LockDirectory(path));
  // The owner may have finished between our open and our lock: what we hold then is no longer there
  // by that name.
  struct stat held {
  }, named{};
  if (::fstat(lock.get(), &held) != 0 || ::stat(path.c_str(), &named) != 0 ||
      held.st_ino != named.st_ino) {
    return Error(absl::StatusCode::kNotFound, "run directory {}: its owner has just removed it",
                 path);
  }
  return RunDir(path, std::move(lock));
}

absl::StatusOr<std::vector<std::string>> RunDir::List(const std::string& state_dir) {
  const std::string path = RunsPath(state_dir);
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
  if (!dir) {
    if (errno == ENOENT) return std::vector<std::string>();
    return ErrnoStatus(errno, fmt::format("read {}", path));
  }
  std::vector<std::string> out;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] != '.') out.emplace_back(entry->d_name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool RunDir::HasOwner(const std::string& state_dir, const std::string& run_id) {
  return absl::IsUnavailable(LockDirectory(RunsPath(state_dir) + "/" + run_id).status());
}

absl::Status RunDir::MakeFifos() const {
  for (const std::string& fifo : {stdin_path(), stdout_path(), stderr_path()}) {
    if (::mkfifo(fifo.c_str(), 0600) != 0)
      return ErrnoStatus(errno, fmt::format("mkfifo {}", fifo));
  }
  return absl::OkStatus();
}

absl::Status RunDir::Remove() {
  // A pinned namespace would keep the directory.
  RemoveEgressNamespace(EgressNamespacePath(path_));
  VX_RETURN_IF_ERROR(base::RemoveTree(path_));
  lock_.Reset();
  return absl::OkStatus();
}

}  // namespace vortex::sandbox
