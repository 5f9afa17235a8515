// SPDX-License-Identifier: Apache-2.0
#include "sandbox/bundle_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "policy/text.h"

namespace vortex::sandbox {
namespace {

constexpr std::size_t kChunk = 128 * 1024;
constexpr std::size_t kMaxLink = 4096;
// Any rename on the machine can disturb one walk over "..", so a few failures say nothing.
constexpr int kOpenAttempts = 1000;
constexpr std::string_view kFormat = "vortex bundle tree 1\n";

// By the text alone: relative, and never more ".." than there are directories above the link.
bool StaysInside(const std::string& path, const std::string& target) {
  if (target.empty() || target.front() == '/') return false;
  auto depth = std::count(path.begin(), path.end(), '/');
  for (std::size_t start = 0; start <= target.size();) {
    const std::size_t end = std::min(target.find('/', start), target.size());
    const std::string part = target.substr(start, end - start);
    if (part == "..") {
      if (--depth < 0) return false;
    } else if (!part.empty() && part != ".") {
      ++depth;
    }
    start = end + 1;
  }
  return true;
}

// Walks one tree; used once.
class TreeCopier {
 public:
  TreeCopier(int source, int target, const std::string& name)
      : source_(source), target_(target), name_(name) {}

  absl::StatusOr<CopiedTree> Copy() {
    sha_.Update(kFormat);
    VX_RETURN_IF_ERROR(Directory("", 0));
    VX_RETURN_IF_ERROR(FollowLinks());
    out_.digest = sha_.FinishDigest();
    return out_;
  }

 private:
  struct Link {
    std::string path;
    std::string target;
  };

  // "bundle /srv/plugins/a: bin/x: is a FIFO"
  absl::Status Bad(const std::string& path, const std::string& what) const {
    return InvalidArgument("bundle {}: {}: {}", name_, path.empty() ? "." : path, what);
  }

  absl::Status Failed(int error, const char* what, const std::string& path) const {
    return ErrnoStatus(error,
                       fmt::format("bundle {}: {} {}", name_, what, path.empty() ? "." : path));
  }

  absl::Status OpenFailed(const absl::Status& status, const std::string& path) const {
    // It was there a moment ago, within the bundle, and not a link.
    const int error = GetErrno(status).value_or(0);
    static constexpr std::array kRaces = {ENOENT, ELOOP, ENOTDIR, ENXIO, EXDEV, EAGAIN};
    if (std::find(kRaces.begin(), kRaces.end(), error) != kRaces.end()) {
      return Bad(path, "changed while it was read");
    }
    return Annotate(status, "bundle " + name_);
  }

  // Both variable parts end with NUL, which neither can hold: no two trees give the same bytes.
  void Record(char type, bool executable, const std::string& path, std::string_view content) {
    sha_.Update(fmt::format("{} {} ", type, executable ? 'x' : '-'));
    sha_.Update(path);
    sha_.Update(std::string_view("\0", 1));
    sha_.Update(content);
    sha_.Update(std::string_view("\0", 1));
  }

  absl::StatusOr<std::vector<std::string>> Names(base::UniqueFd fd, const std::string& path) {
    std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd.get()), ::closedir);
    if (!dir) return Failed(errno, "read", path);
    (void)fd.Release();  // closedir closes it
    std::vector<std::string> names;
    for (errno = 0; const dirent* entry = ::readdir(dir.get()); errno = 0) {
      const std::string entry_name = entry->d_name;
      if (entry_name == "." || entry_name == "..") continue;
      if (++entries_ > kMaxBundleEntries) {
        return InvalidArgument("bundle {}: more than {} entries", name_, kMaxBundleEntries);
      }
      if (const auto bad = policy::FindBadCharacter(entry_name)) {
        return Bad(path, fmt::format("the name {} holds {}; rename it", policy::Quoted(entry_name),
                                     bad->what));
      }
      names.push_back(entry_name);
    }
    if (errno != 0) return Failed(errno, "read", path);
    // The digest must not depend on the file system's order.
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status Directory(const std::string& path, int depth) {
    if (depth > kMaxBundleDepth) {
      return Bad(path, fmt::format("deeper than {} directories", kMaxBundleDepth));
    }
    auto fd = base::OpenBeneath(source_, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
    if (!fd.ok()) return OpenFailed(fd.status(), path);
    VX_ASSIGN_OR_RETURN(const auto names, Names(std::move(*fd), path));
    for (const std::string& entry : names) {
      VX_RETURN_IF_ERROR(Entry(path.empty() ? entry : path + "/" + entry, depth));
    }
    return absl::OkStatus();
  }

  absl::Status Entry(const std::string& path, int depth) {
    // O_PATH | O_NOFOLLOW names the entry itself, whatever it is; opening a FIFO or a device would
    // have effects.
    auto opened = base::OpenBeneath(source_, path, O_PATH | O_NOFOLLOW);
    if (!opened.ok()) return OpenFailed(opened.status(), path);
    struct stat st {};
    if (::fstat(opened->get(), &st) != 0) return Failed(errno, "stat", path);
    if (S_ISDIR(st.st_mode)) {
      Record('d', false, path, "");
      VX_RETURN_IF_ERROR(MakeDirectory(path));
      return Directory(path, depth + 1);
    }
    if (S_ISREG(st.st_mode)) return File(path, st);
    if (S_ISLNK(st.st_mode)) return CopyLink(path, opened->get());
    const char* type = S_ISFIFO(st.st_mode) ? "FIFO" : S_ISSOCK(st.st_mode) ? "socket" : "device";
    return Bad(path,
               fmt::format("is a {}; only files, directories and links may be in a bundle", type));
  }

  absl::Status MakeDirectory(const std::string& path) {
    if (target_ < 0) return absl::OkStatus();
    // Every directory above was made here, so no link is followed. The process's umask must not
    // decide what the plugin may read.
    if (::mkdirat(target_, path.c_str(), 0755) != 0 ||
        ::fchmodat(target_, path.c_str(), 0755, 0) != 0) {
      return Failed(errno, "make the copy of", path);
    }
    return absl::OkStatus();
  }

  absl::Status File(const std::string& path, const struct stat& named) {
    // The entry may have been swapped since it was looked at: O_NONBLOCK so that a FIFO does not
    // hang us, and the type is looked at again on what was opened.
    auto fd = base::OpenBeneath(source_, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!fd.ok()) return OpenFailed(fd.status(), path);
    struct stat st {};
    if (::fstat(fd->get(), &st) != 0) return Failed(errno, "stat", path);
    if (!S_ISREG(st.st_mode) || st.st_ino != named.st_ino || st.st_dev != named.st_dev) {
      return Bad(path, "changed while it was read");
    }
    if ((st.st_mode & (S_ISUID | S_ISGID)) != 0) {
      return Bad(path, "is setuid or setgid; remove those bits");
    }
    const bool executable = (st.st_mode & S_IXUSR) != 0;
    base::UniqueFd copy;
    if (target_ >= 0) {
      const mode_t mode = executable ? 0755 : 0644;
      copy.Reset(::openat(target_, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
      if (!copy || ::fchmod(copy.get(), mode) != 0) return Failed(errno, "make the copy of", path);
    }
    base::Sha256 content;
    VX_RETURN_IF_ERROR(Content(path, fd->get(), copy.get(), content));
    ++out_.files;
    Record('f', executable, path, content.FinishDigest());
    return absl::OkStatus();
  }

  absl::Status Content(const std::string& path, int from, int to, base::Sha256& content) {
    std::uint64_t size = 0;
    for (;;) {
      const ssize_t n = ::read(from, buffer_.data(), buffer_.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Failed(errno, "read", path);
      if (n == 0) return absl::OkStatus();
      const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(n));
      size += bytes.size();
      out_.bytes += bytes.size();
      if (size > kMaxBundleFileBytes) {
        return Bad(path, fmt::format("is larger than {} bytes", kMaxBundleFileBytes));
      }
      if (out_.bytes > kMaxBundleBytes) {
        return Bad(path, fmt::format("makes the bundle larger than {} bytes", kMaxBundleBytes));
      }
      content.Update(bytes);
      if (to < 0) continue;
      VX_RETURN_IF_ERROR(
          base::WriteAll(to, bytes, fmt::format("copy of bundle {}/{}", name_, path)));
    }
  }

  absl::Status CopyLink(const std::string& path, int link_fd) {
    std::string target(kMaxLink, '\0');
    const ssize_t n = ::readlinkat(link_fd, "", target.data(), target.size());
    if (n < 0) return Failed(errno, "read the link", path);
    target.resize(static_cast<std::size_t>(n));
    if (const auto bad = policy::FindBadCharacter(target)) {
      return Bad(path,
                 fmt::format("is a link to {}, which holds {}", policy::Quoted(target), bad->what));
    }
    if (!StaysInside(path, target)) return LeadsOut(path, target);
    if (target_ >= 0 && ::symlinkat(target.c_str(), target_, path.c_str()) != 0) {
      return Failed(errno, "make the copy of", path);
    }
    Record('l', false, path, target);
    links_.push_back({path, target});
    return absl::OkStatus();
  }

  absl::Status LeadsOut(const std::string& path, const std::string& target) const {
    return Bad(path, fmt::format("is a link to {}, outside of the bundle; use a relative link that "
                                 "stays in it",
                                 policy::Quoted(target)));
  }

  // Links over links can lead out though each one's text stays inside (a → ".." in a directory,
  // then "dir/a/.."), so the kernel follows them through the finished copy, which nobody can
  // change. A link to nothing is harmless and stays.
  absl::Status FollowLinks() {
    for (const Link& link : links_) {
      const auto opened = OpenInBundle(target_ >= 0 ? target_ : source_, link.path, O_PATH);
      const int error = GetErrno(opened.status()).value_or(0);
      if (error == EXDEV) return LeadsOut(link.path, link.target);
      if (error == EAGAIN) return Bad(link.path, "changed while it was read");
    }
    return absl::OkStatus();
  }

  const int source_;
  const int target_;
  const std::string name_;
  CopiedTree out_;
  base::Sha256 sha_;
  std::uint64_t entries_ = 0;
  std::vector<Link> links_;
  std::string buffer_ = std::string(kChunk, '\0');
};

}  // namespace

absl::StatusOr<CopiedTree> CopyBundleTree(int source_fd, int target_fd, const std::string& name) {
  return TreeCopier(source_fd, target_fd, name).Copy();
}

absl::StatusOr<base::UniqueFd> OpenInBundle(int dir_fd, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, dir_fd, path.c_str(), &how, sizeof how);
    if (fd >= 0) return base::UniqueFd(static_cast<int>(fd));
    // A rename somewhere raced with a step over ".."; openat2(2) asks for a retry.
    if (errno != EAGAIN || attempt == kOpenAttempts) {
      return ErrnoStatus(errno, fmt::format("open {}", path));
    }
  }
}

}  // namespace vortex::sandbox
