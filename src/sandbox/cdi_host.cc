// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cdi_host.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "sandbox/elf_soname.h"

namespace vortex::sandbox {
namespace {

char KindOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFCHR:
      return 'c';
    case S_IFBLK:
      return 'b';
    case S_IFIFO:
      return 'p';
    case S_IFSOCK:
      return 's';
    case S_IFLNK:
      return 'l';
    case S_IFDIR:
      return 'd';
    default:
      return '-';
  }
}

oci::HostFile Look(const std::string& path, int flags) {
  oci::HostFile out;
  const base::UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC | flags));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) {
    out.problem = Message(ErrnoStatus(errno, "the host's " + path));
    return out;
  }
  char buffer[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
  const ssize_t size = ::readlink(link.c_str(), buffer, sizeof buffer);
  if (size <= 0 || size == static_cast<ssize_t>(sizeof buffer)) {
    out.problem = "the host's " + path + ": its path cannot be told";
    return out;
  }
  out.path.assign(buffer, static_cast<std::size_t>(size));
  out.kind = KindOf(info.st_mode);
  out.mode = info.st_mode & 07777;
  out.uid = info.st_uid;
  out.gid = info.st_gid;
  if (out.kind == 'c' || out.kind == 'b') {
    out.major = major(info.st_rdev);
    out.minor = minor(info.st_rdev);
  }
  return out;
}

}  // namespace

oci::HostFile LookAtNode(const std::string& path) { return Look(path, O_NOFOLLOW); }

oci::HostFile LookAtFile(const std::string& path) {
  oci::HostFile out = Look(path, 0);
  if (out.kind == '-') {
    const base::UniqueFd fd(
        ::open(out.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd) out.soname = ElfSoname(fd.get());
  }
  return out;
}

}  // namespace vortex::sandbox
