// SPDX-License-Identifier: Apache-2.0
// The part of CallJudge that is about files. Each function follows the order in which the kernel
// checks, so that the errno is the one that it would give.
//   Source  fs/namei.c and fs/open.c of Linux 6.1
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/denials/call_judge.h"
#include "sandbox/denials/path_rules.h"

namespace vortex::sandbox {
namespace {

Ruling Continue() { return {}; }

Ruling Refuse(const char* action, std::string target, const char* rule, int error) {
  return {error, Attempt{std::string(action) == "execute" ? "process" : "filesystem", action,
                         std::move(target), rule, error}};
}

bool HasFlag(int fd, long flag) {
  struct statfs info {};
  return ::fstatfs(fd, &info) == 0 && (info.f_flags & flag) != 0;
}

bool OnProc(int fd) {
  struct statfs info {};
  return ::fstatfs(fd, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

bool IsReadOnly(int fd) { return HasFlag(fd, ST_RDONLY); }

// 0 or the errno that the mode bits and the mount give, with our file system ids.
int Access(int fd, int mode) {
  const long result = ::syscall(SYS_faccessat2, fd, "", mode, AT_EMPTY_PATH | AT_EACCESS);
  return result == 0 ? 0 : errno;
}

std::string Joined(const std::string& directory, const std::string& name) {
  return (directory == "/" ? "" : directory) + "/" + name;
}

// Splits "a/b/" into "a/" and "b"; the name is empty for what no directory entry can be made of.
void Split(std::string path, std::string& directory, std::string& name) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const std::size_t slash = path.rfind('/');
  name = slash == std::string::npos ? path : path.substr(slash + 1);
  directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (name == "." || name == "..") name.clear();
}

}  // namespace

Resolved CallJudge::Resolve(const TargetTask& task, int dirfd, const std::string& path,
                            bool follow) const {
  base::UniqueFd base;
  if (!path.empty() && path.front() != '/') {
    base = dirfd == AT_FDCWD ? task.Cwd() : task.File(dirfd);
    struct stat info {};
    // The descriptor may be of anything; "x/../.." below a file is ENOTDIR.
    if (!base || ::fstat(base.get(), &info) != 0 || !S_ISDIR(info.st_mode)) return {};
  }
  return resolver_.Resolve(base.get(), path, follow);
}

Ruling CallJudge::Missing(const Resolved& resolved, const char* action, const char* rule) const {
  if (resolved.kind == Resolved::Kind::kForbidden) return Forbidden(resolved, action);
  if (resolved.kind != Resolved::Kind::kMissing && resolved.kind != Resolved::Kind::kMissingDir)
    return Continue();
  const std::string target = CleanPath("/", resolved.path);
  if (!MissingFileIsDenial(target, config_.granted_mounts)) return Continue();
  if (IsDevice(target)) return {ENOENT, Attempt{"device", action, target, kRuleNoDevice, ENOENT}};
  return Refuse(action, target, rule, ENOENT);
}

Ruling CallJudge::Forbidden(const Resolved& resolved, const char* action) const {
  struct stat info {};
  if (config_.has_capabilities || ::fstat(resolved.fd.get(), &info) != 0 ||
      info.st_uid == config_.plugin_host_uid)
    return Continue();
  return Refuse(action, resolved.path, kRuleNotRoot, EACCES);
}

// A new name in a directory that is there.
Ruling CallJudge::MakeIn(const Resolved& directory, const std::string& name,
                         const char* action) const {
  const int fd = directory.fd.get();
  // Nobody makes files there: a name that is missing is ENOENT before anybody asks for rights.
  if (OnProc(fd)) return Continue();
  const std::string target = Joined(PathOf(fd), name);
  if (!RefusedWriteIsDenial(target)) return Continue();
  if (IsReadOnly(fd)) return Refuse(action, target, kRuleReadOnly, EROFS);
  struct stat info {};
  if (config_.has_capabilities || ::fstat(fd, &info) != 0 || info.st_uid == config_.plugin_host_uid)
    return Continue();
  if (Access(fd, W_OK | X_OK) == EACCES) return Refuse(action, target, kRuleNotRoot, EACCES);
  return Continue();
}

Ruling CallJudge::Open(const TargetTask& task, int dirfd, std::uint64_t path_address,
                       std::uint64_t raw_flags) const {
  const int flags = static_cast<int>(raw_flags);
  const auto path = task.ReadString(path_address, PATH_MAX);
  if (!path || (flags & O_TMPFILE) == O_TMPFILE) return Continue();
  const bool creates = (flags & O_CREAT) != 0 && (flags & O_PATH) == 0;
  const bool writes = (flags & O_PATH) == 0 &&
                      ((flags & O_ACCMODE) != O_RDONLY || creates || (flags & O_TRUNC) != 0);
  const char* action = writes ? "write" : "open";
  const bool follow = (flags & O_NOFOLLOW) == 0 && !(creates && (flags & O_EXCL) != 0);
  Resolved resolved = Resolve(task, dirfd, *path, follow);
  if (resolved.kind == Resolved::Kind::kMissing && creates)
    return MakeIn(resolved, resolved.name, action);
  if (resolved.kind != Resolved::Kind::kFound) return Missing(resolved, action, kRuleNoFile);
  if ((flags & O_PATH) != 0 || (creates && (flags & O_EXCL) != 0)) return Continue();

  const int fd = resolved.fd.get();
  struct stat info {};
  if (::fstat(fd, &info) != 0 || info.st_uid == config_.plugin_host_uid) return Continue();
  if (!S_ISREG(info.st_mode) && !(S_ISDIR(info.st_mode) && !writes)) return Continue();
  int error = 0;
  if (writes && (flags & O_TRUNC) != 0 && IsReadOnly(fd)) {
    error = EROFS;
  } else {
    const int mode = flags & O_ACCMODE;
    error = Access(fd, (mode != O_WRONLY ? R_OK : 0) | (mode != O_RDONLY ? W_OK : 0));
  }
  // Settings below /proc/sys ask for another kind of root than we have put away.
  if (error == EROFS && OnProc(fd) && (info.st_mode & S_IWOTH) == 0) error = EACCES;
  if (error == EACCES && config_.has_capabilities) return Continue();
  if (error != EACCES && error != EROFS) return Continue();
  const std::string target = PathOf(fd);
  if (target.empty() || (writes && !RefusedWriteIsDenial(target))) return Continue();
  return Refuse(action, target, error == EROFS ? kRuleReadOnly : kRuleNotRoot, error);
}

Ruling CallJudge::OpenHow(const seccomp_data& call, const TargetTask& task) const {
  if (call.args[3] < sizeof(open_how)) return Continue();
  const auto bytes = task.Read(call.args[2], sizeof(open_how));
  if (!bytes) return Continue();
  open_how how;
  std::memcpy(&how, bytes->data(), sizeof how);
  // A lookup by rules of its own: what it comes to, only the kernel knows.
  if (how.resolve != 0) return Continue();
  return Open(task, static_cast<int>(call.args[0]), call.args[1], how.flags);
}

Ruling CallJudge::Execute(const TargetTask& task, int dirfd, std::uint64_t path_address,
                          std::uint64_t flags) const {
  const auto path = task.ReadString(path_address, PATH_MAX);
  if (!path || path->empty()) return Continue();
  const Resolved resolved = Resolve(task, dirfd, *path, (flags & AT_SYMLINK_NOFOLLOW) == 0);
  if (resolved.kind == Resolved::Kind::kForbidden) return Forbidden(resolved, "execute");
  if (resolved.kind == Resolved::Kind::kMissing || resolved.kind == Resolved::Kind::kMissingDir) {
    const std::string target = CleanPath("/", resolved.path);
    if (!MissingProgramIsDenial(target)) return Continue();
    return Refuse("execute", target, kRuleNoFile, ENOENT);
  }
  struct stat info {};
  if (resolved.kind != Resolved::Kind::kFound || ::fstat(resolved.fd.get(), &info) != 0 ||
      !S_ISREG(info.st_mode))
    return Continue();
  if (HasFlag(resolved.fd.get(), ST_NOEXEC))
    return Refuse("execute", PathOf(resolved.fd.get()), kRuleNoExec, EACCES);
  return Continue();
}

Ruling CallJudge::Change(const TargetTask& task, int dirfd, std::uint64_t path_address,
                         const char* action, bool makes) const {
  const auto path = task.ReadString(path_address, PATH_MAX);
  return path ? ChangeAt(task, dirfd, *path, action, makes) : Continue();
}

Ruling CallJudge::ChangeAt(const TargetTask& task, int dirfd, const std::string& path,
                           const char* action, bool makes) const {
  if (path.empty()) return Continue();
  std::string directory, name;
  Split(path, directory, name);
  if (name.empty()) return Continue();
  const Resolved parent = Resolve(task, dirfd, directory, true);
  struct stat info {};
  if (parent.kind != Resolved::Kind::kFound) {
    Resolved whole;
    whole.kind = parent.kind;
    whole.path = Joined(parent.path, name);
    if (parent.kind == Resolved::Kind::kForbidden) return Forbidden(parent, action);
    return Missing(whole, action, kRuleNoFile);
  }
  if (::fstat(parent.fd.get(), &info) != 0 || !S_ISDIR(info.st_mode)) return Continue();
  struct stat entry {};
  const bool there = ::fstatat(parent.fd.get(), name.c_str(), &entry, AT_SYMLINK_NOFOLLOW) == 0;
  // EEXIST comes before EROFS; of what is not there, nothing can be taken.
  if (makes == there) return Continue();
  return MakeIn(parent, name, action);
}

Ruling CallJudge::Rename(const TargetTask& task, int from_dirfd, std::uint64_t from, int to_dirfd,
                         std::uint64_t to) const {
  const auto to_path = task.ReadString(to, PATH_MAX);
  const auto from_path = task.ReadString(from, PATH_MAX);
  if (!to_path || to_path->empty() || !from_path || from_path->empty()) return Continue();
  std::string from_directory, to_directory, name;
  Split(*to_path, to_directory, name);
  Split(*from_path, from_directory, name);
  if (name.empty()) return Continue();
  const Resolved to_parent = Resolve(task, to_dirfd, to_directory, true);
  const Resolved from_parent = Resolve(task, from_dirfd, from_directory, true);
  struct stat a {
  }, b{};
  // Between two mounts it is EXDEV, before anything else.
  if (to_parent.kind != Resolved::Kind::kFound || from_parent.kind != Resolved::Kind::kFound ||
      ::fstat(to_parent.fd.get(), &a) != 0 || ::fstat(from_parent.fd.get(), &b) != 0 ||
      a.st_dev != b.st_dev)
    return Continue();
  return Change(task, from_dirfd, from, "rename", false);
}

// The old name is looked up first; a read-only place of the new one comes before EXDEV, all else
// about it after.
Ruling CallJudge::Link(const TargetTask& task, At from, At to, std::uint64_t flags) const {
  const auto path = task.ReadString(from.path, PATH_MAX);
  if (!path || path->empty()) return Continue();
  const bool follow = (flags & AT_SYMLINK_FOLLOW) != 0;
  const Resolved resolved = Resolve(task, from.dirfd, *path, follow);
  if (resolved.kind != Resolved::Kind::kFound) return Missing(resolved, "link", kRuleNoFile);
  Ruling ruling = Change(task, to.dirfd, to.path, "link", true);
  return ruling.errno_value == EROFS || ruling.errno_value == ENOENT ? std::move(ruling)
                                                                     : Continue();
}

Ruling CallJudge::ChangeMode(const TargetTask& task, int dirfd, std::uint64_t path_address,
                             std::uint64_t flags) const {
  const auto path = task.ReadString(path_address, PATH_MAX);
  if (!path || path->empty()) return Continue();
  const Resolved resolved = Resolve(task, dirfd, *path, (flags & AT_SYMLINK_NOFOLLOW) == 0);
  if (resolved.kind != Resolved::Kind::kFound) return Missing(resolved, "chmod", kRuleNoFile);
  return ChangeMode(resolved.fd);
}

// EROFS comes before EPERM (chmod_common in fs/open.c).
Ruling CallJudge::ChangeMode(const base::UniqueFd& file) const {
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0 || OnProc(file.get())) return Continue();
  const std::string target = PathOf(file.get());
  if (target.empty() || !RefusedWriteIsDenial(target)) return Continue();
  if (IsReadOnly(file.get())) return Refuse("chmod", target, kRuleReadOnly, EROFS);
  if (config_.has_capabilities || info.st_uid == config_.plugin_host_uid) return Continue();
  return Refuse("chmod", target, kRuleNotRoot, EPERM);
}

Ruling CallJudge::Truncate(const seccomp_data& call, const TargetTask& task) const {
  return Open(task, AT_FDCWD, call.args[0], O_WRONLY);
}

}  // namespace vortex::sandbox
