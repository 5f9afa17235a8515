// SPDX-License-Identifier: Apache-2.0
#include "sandbox/owned_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/files.h"
#include "base/status.h"

namespace vortex::sandbox {
namespace {

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

std::string Described(const char* what, const std::string& path, const struct stat& info) {
  return fmt::format("{} {} has mode {:04o} and owner {}", what, path, info.st_mode & 07777,
                     info.st_uid);
}

absl::Status Unsafe(const std::string& described, const std::string& remedy) {
  return Error(absl::StatusCode::kFailedPrecondition,
               "{}: others could change what runs on this node; {}", described, remedy);
}

std::string Names(const std::vector<uid_t>& owners) {
  std::string out;
  for (const uid_t owner : owners)
    out += (out.empty() ? "" : " or ") + (owner == 0 ? "root" : std::to_string(owner));
  return out;
}

// The opened file, after its judgement.
absl::StatusOr<base::UniqueFd> Open(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const base::UniqueFd directory(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return ErrnoStatus(errno, fmt::format("open {}", path));
  // A FIFO or a terminal must not hold us up before it has been judged.
  base::UniqueFd fd(::openat(directory.get(), name.c_str(),
                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd && errno == ELOOP) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "{} is a symbolic link, which is not followed; name the file that it leads to",
                 path);
  }
  if (!fd) return ErrnoStatus(errno, fmt::format("open {}", path));
  struct stat file {
  }, holder{};
  if (::fstat(fd.get(), &file) != 0 || ::fstat(directory.get(), &holder) != 0)
    return ErrnoStatus(errno, fmt::format("stat {}", path));
  VX_RETURN_IF_ERROR(JudgeOperatorFile(path, file, holder, OperatorFileOwners()));
  return fd;
}

}  // namespace

absl::StatusOr<std::string> ReadOperatorFile(const std::string& path, std::size_t limit) {
  VX_ASSIGN_OR_RETURN(const base::UniqueFd fd, Open(path));
  return base::ReadFd(fd.get(), limit, path);
}

absl::Status CheckOperatorFile(const std::string& path) { return Open(path).status(); }

absl::Status JudgeOperatorFile(const std::string& path, const struct stat& file,
                               const struct stat& directory, const std::vector<uid_t>& owners) {
  const auto owned = [&](const struct stat& info) {
    return std::find(owners.begin(), owners.end(), info.st_uid) != owners.end();
  };
  if (!S_ISREG(file.st_mode)) {
    return Error(absl::StatusCode::kFailedPrecondition, "{} is not a regular file", path);
  }
  if (!owned(file)) {
    return Unsafe(Described("file", path, file),
                  fmt::format("its owner must be {} (chown root {})", Names(owners), path));
  }
  if ((file.st_mode & kOthersWrite) != 0) {
    return Unsafe(Described("file", path, file),
                  fmt::format("only its owner may write it (chmod go-w {})", path));
  }
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash);
  if (!owned(directory)) {
    return Unsafe(Described("directory", parent, directory),
                  fmt::format("whoever owns the directory of {} can replace it; its owner must be "
                              "{} (chown root {})",
                              path, Names(owners), parent));
  }
  // In a sticky one nobody but the owner of a file, or of the directory, can put another there.
  if ((directory.st_mode & kOthersWrite) != 0 && (directory.st_mode & S_ISVTX) == 0) {
    return Unsafe(Described("directory", parent, directory),
                  fmt::format("whoever writes the directory of {} can replace it (chmod go-w {})",
                              path, parent));
  }
  return absl::OkStatus();
}

std::vector<uid_t> OperatorFileOwners() {
  std::vector<uid_t> owners = {0};
  if (::geteuid() != 0) owners.push_back(::geteuid());
  const char* sudo = ::geteuid() == 0 ? std::getenv("SUDO_UID") : nullptr;
  uid_t user = 0;
  if (sudo != nullptr && std::from_chars(sudo, sudo + std::strlen(sudo), user).ec == std::errc() &&
      user != 0) {
    owners.push_back(user);
  }
  return owners;
}

}  // namespace vortex::sandbox
