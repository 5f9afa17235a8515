// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/path_resolver.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

namespace vortex::sandbox {
namespace {

using base::UniqueFd;

constexpr int kMostLinks = 40;  // path_resolution(7)
constexpr int kMostParts = 2048;

UniqueFd OpenPart(int dir, const char* name) {
  return UniqueFd(::openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

bool OnProc(int fd) {
  struct statfs info {};
  return ::fstatfs(fd, &info) != 0 || info.f_type == PROC_SUPER_MAGIC;
}

// The next part of `rest`, which loses it and the slashes behind it.
std::string TakePart(std::string& rest) {
  const std::size_t begin = rest.find_first_not_of('/');
  if (begin == std::string::npos) {
    rest.clear();
    return "";
  }
  const std::size_t end = rest.find('/', begin);
  std::string part = rest.substr(begin, end == std::string::npos ? end : end - begin);
  rest.erase(0, end == std::string::npos ? rest.size() : rest.find_first_not_of('/', end));
  return part;
}

bool SameFile(int a, int b) {
  struct stat first {
  }, second{};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

// The text of a link that is an ordinary one; empty: unknown.
std::string LinkText(int fd) {
  if (OnProc(fd)) return "";
  char text[PATH_MAX];
  const ssize_t size = ::readlinkat(fd, "", text, sizeof text);
  if (size <= 0 || size == static_cast<ssize_t>(sizeof text)) return "";
  return std::string(text, static_cast<std::size_t>(size));
}

}  // namespace

std::string PathOf(int fd) {
  char text[PATH_MAX];
  const std::string link = "/proc/thread-self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), text, sizeof text);
  if (size <= 0 || text[0] != '/') return "";
  return std::string(text, static_cast<std::size_t>(size));
}

Resolved PathResolver::Resolve(int base, const std::string& path, bool follow) const {
  if (path.empty() || path.size() >= PATH_MAX) return {};
  const bool absolute = path.front() == '/';
  if (!absolute && base < 0) return {};
  open_how how{};
  how.flags = static_cast<std::uint64_t>(O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
  // The sandbox's root is the end of "..", whatever it is mounted on.
  if (!absolute && path.find("..") != std::string::npos) return Walk(base, path, follow);
  // Relative, an absolute link on the way would lead into our own root.
  how.resolve = absolute ? RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS : RESOLVE_NO_SYMLINKS;
  Resolved out;
  out.fd.Reset(static_cast<int>(
      ::syscall(SYS_openat2, absolute ? root_.get() : base, path.c_str(), &how, sizeof how)));
  if (!out.fd) return Walk(base, path, follow);
  out.kind = Resolved::Kind::kFound;
  return out;
}

Resolved PathResolver::Walk(int base, std::string rest, bool follow) const {
  Resolved out;
  UniqueFd at(::fcntl(rest.front() == '/' ? root_.get() : base, F_DUPFD_CLOEXEC, 3));
  if (!at) return {};
  int links = 0;
  for (int parts = 0; parts < kMostParts; ++parts) {
    const bool want_directory = rest.ends_with('/');
    const std::string part = TakePart(rest);
    const bool last = rest.empty();
    if (part.empty() || part == ".") {
      if (!last) continue;
      out.kind = Resolved::Kind::kFound;
      out.fd = std::move(at);
      return out;
    }
    if (part == ".." && SameFile(at.get(), root_.get())) {
      if (!last) continue;
      out.kind = Resolved::Kind::kFound;
      out.fd = std::move(at);
      return out;
    }
    // Another for us than for the process.
    if ((part == "self" || part == "thread-self") && OnProc(at.get())) return {};
    UniqueFd next = OpenPart(at.get(), part.c_str());
    if (!next) {
      const int error = errno;
      if (error != ENOENT && error != EACCES) return {};
      out.path = PathOf(at.get());
      if (out.path.empty() || out.path.ends_with(" (deleted)")) return {};
      if (out.path != "/") out.path += '/';
      out.path += part;
      if (!last) out.path += "/" + rest;
      out.kind = error == EACCES ? Resolved::Kind::kForbidden
                 : last          ? Resolved::Kind::kMissing
                                 : Resolved::Kind::kMissingDir;
      out.name = part;
      out.fd = std::move(at);
      return out;
    }
    struct stat info {};
    if (::fstat(next.get(), &info) != 0) return {};
    if (S_ISLNK(info.st_mode) && (!last || follow || want_directory)) {
      const std::string text = LinkText(next.get());
      if (text.empty() || ++links > kMostLinks) return {};
      rest = last ? text + (want_directory ? "/" : "") : text + "/" + rest;
      if (text.front() == '/') at.Reset(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 3));
      if (!at) return {};
      continue;
    }
    if (!last && !S_ISDIR(info.st_mode)) return {};
    at = std::move(next);
    if (!last) continue;
    out.kind = Resolved::Kind::kFound;
    out.fd = std::move(at);
    return out;
  }
  return {};
}

}  // namespace vortex::sandbox
