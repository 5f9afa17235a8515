// SPDX-License-Identifier: Apache-2.0
#include "sandbox/bundle.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "base/utf8.h"

namespace vortex::sandbox {
namespace {

constexpr std::size_t kChunk = 128 * 1024;
constexpr std::size_t kMaxLink = 4096;

// Walks one tree; used once.
class TreeCopier {
 public:
  TreeCopier(int source, int target, const std::string& name) : source_(source), target_(target), name_(name) {}

  absl::StatusOr<CopiedTree> Copy() {
    VX_RETURN_IF_ERROR(Directory("", 0));
    out_.digest = sha_.FinishDigest();
    return out_;
  }

 private:
  absl::Status Bad(const std::string& path, const std::string& what) const {
    return InvalidArgument("bundle {}: {}: {}", name_, path, what);
  }

  // Every record ends the variable part with NUL, which no path holds, so that no two trees give the same bytes.
  void Record(char type, bool executable, const std::string& path, std::string_view content_digest) {
    sha_.Update(fmt::format("{} {} ", type, executable ? 'x' : '-'));
    sha_.Update(path);
    sha_.Update(std::string_view("\0", 1));
    sha_.Update(content_digest);
    sha_.Update(std::string_view("\0", 1));
  }

  absl::StatusOr<std::vector<std::string>> Names(int fd, const std::string& path) {
    std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd), ::closedir);
    if (!dir) {
      ::close(fd);
      return ErrnoStatus(errno, fmt::format("read bundle {}/{}", name_, path));
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(dir.get())) {
      const std::string entry_name = entry->d_name;
      if (entry_name == "." || entry_name == "..") continue;
      if (++entries_ > kMaxBundleEntries) {
        return InvalidArgument("bundle {}: more than {} entries", name_, kMaxBundleEntries);
      }
      names.push_back(entry_name);
    }
    if (errno != 0) return ErrnoStatus(errno, fmt::format("read bundle {}/{}", name_, path));
    // The digest must not depend on the file system's order.
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status Directory(const std::string& path, int depth) {
    if (depth > kMaxBundleDepth) return Bad(path, fmt::format("deeper than {} directories", kMaxBundleDepth));
    VX_ASSIGN_OR_RETURN(base::UniqueFd fd,
                        base::OpenBeneath(source_, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY));
    VX_ASSIGN_OR_RETURN(const auto names, Names(fd.Release(), path));
    for (const std::string& entry : names) {
      const bool control = std::any_of(entry.begin(), entry.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      });
      if (control || !base::IsUtf8(entry)) return Bad(path + "/", "holds a name that is not plain UTF-8 text");
      VX_RETURN_IF_ERROR(Entry(path.empty() ? entry : path + "/" + entry, depth));
    }
    return absl::OkStatus();
  }

  absl::Status Entry(const std::string& path, int depth) {
    // O_PATH | O_NOFOLLOW names the entry itself, whatever it is; opening a FIFO or a device would have effects.
    auto opened = base::OpenBeneath(source_, path, O_PATH | O_NOFOLLOW);
    if (!opened.ok()) return Annotate(opened.status(), "bundle " + name_);
    struct stat st {};
    if (::fstat(opened->get(), &st) != 0) return ErrnoStatus(errno, fmt::format("stat bundle {}/{}", name_, path));
    if (S_ISDIR(st.st_mode)) {
      Record('d', false, path, "");
      if (target_ >= 0 && ::mkdirat(target_, path.c_str(), 0755) != 0) {
        return ErrnoStatus(errno, fmt::format("copy bundle {}: mkdir {}", name_, path));
      }
      return Directory(path, depth + 1);
    }
    if (S_ISREG(st.st_mode)) return File(path, st);
    if (S_ISLNK(st.st_mode)) return Link(path, opened->get());
    return Bad(path, S_ISFIFO(st.st_mode)   ? "is a FIFO; only files, directories and links may be in a bundle"
                     : S_ISSOCK(st.st_mode) ? "is a socket; only files, directories and links may be in a bundle"
                                            : "is a device; only files, directories and links may be in a bundle");
  }

  absl::Status File(const std::string& path, const struct stat& named) {
    // Not O_PATH now, and the entry may have been swapped in between: O_NONBLOCK so that a FIFO does not hang us, and
    // the type is looked at again on what was opened.
    VX_ASSIGN_OR_RETURN(const base::UniqueFd fd, base::OpenBeneath(source_, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return ErrnoStatus(errno, fmt::format("stat bundle {}/{}", name_, path));
    if (!S_ISREG(st.st_mode) || st.st_ino != named.st_ino) return Bad(path, "changed while it was read");
    if ((st.st_mode & (S_ISUID | S_ISGID)) != 0) return Bad(path, "is setuid or setgid; remove those bits");
    const bool executable = (st.st_mode & S_IXUSR) != 0;
    base::UniqueFd copy;
    if (target_ >= 0) {
      copy.Reset(::openat(target_, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, executable ? 0755 : 0644));
      if (!copy) return ErrnoStatus(errno, fmt::format("copy bundle {}: create {}", name_, path));
      // The process's umask must not decide what the plugin may read.
      ::fchmod(copy.get(), executable ? 0755 : 0644);
    }
    base::Sha256 content;
    VX_RETURN_IF_ERROR(Content(path, fd.get(), copy.get(), content));
    ++out_.files;
    Record('f', executable, path, content.FinishDigest());
    return absl::OkStatus();
  }

  absl::Status Content(const std::string& path, int from, int to, base::Sha256& content) {
    std::uint64_t size = 0;
    for (;;) {
      const ssize_t n = ::read(from, buffer_.data(), buffer_.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoStatus(errno, fmt::format("read bundle {}/{}", name_, path));
      if (n == 0) return absl::OkStatus();
      const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(n));
      size += bytes.size();
      out_.bytes += bytes.size();
      if (size > kMaxBundleFileBytes) return Bad(path, fmt::format("is larger than {} bytes", kMaxBundleFileBytes));
      if (out_.bytes > kMaxBundleBytes) return Bad(path, fmt::format("makes the bundle larger than {} bytes", kMaxBundleBytes));
      content.Update(bytes);
      if (to >= 0) VX_RETURN_IF_ERROR(base::WriteAll(to, bytes, fmt::format("copy of bundle {}/{}", name_, path)));
    }
  }

  absl::Status Link(const std::string& path, int link_fd) {
    std::string target(kMaxLink, '\0');
    const ssize_t n = ::readlinkat(link_fd, "", target.data(), target.size());
    if (n < 0) return ErrnoStatus(errno, fmt::format("read link in bundle {}/{}", name_, path));
    target.resize(static_cast<std::size_t>(n));
    if (!StaysInside(path, target)) {
      return Bad(path, fmt::format("is a link to \"{}\", outside of the bundle; use a relative link within it", target));
    }
    if (target_ >= 0 && ::symlinkat(target.c_str(), target_, path.c_str()) != 0) {
      return ErrnoStatus(errno, fmt::format("copy bundle {}: link {}", name_, path));
    }
    Record('l', false, path, target);
    return absl::OkStatus();
  }

  // By the text alone: relative, and never more ".." than there are directories above the link within the bundle. A
  // link to a link is covered, since each one is checked; inside the sandbox nothing above /plugin is the host's anyway.
  static bool StaysInside(const std::string& path, const std::string& target) {
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

  const int source_;
  const int target_;
  const std::string name_;
  CopiedTree out_;
  base::Sha256 sha_;
  std::uint64_t entries_ = 0;
  std::string buffer_ = std::string(kChunk, '\0');
};

absl::Status CheckPresent(int dir_fd, const std::string& name, const policy::Manifest& manifest) {
  const auto exists = [&](const std::string& path, mode_t needed) {
    struct stat st {};
    return ::fstatat(dir_fd, path.c_str(), &st, 0) == 0 && S_ISREG(st.st_mode) && (st.st_mode & needed) == needed;
  };
  if (manifest.entrypoint) {
    std::string path = manifest.entrypoint->module;
    std::replace(path.begin(), path.end(), '.', '/');
    if (exists(path + ".py", 0) || exists(path + "/__init__.py", 0)) return absl::OkStatus();
    return InvalidArgument("bundle {}: entrypoint: module \"{}\" is not there; expected {}.py or {}/__init__.py",
                           name, manifest.entrypoint->module, path, path);
  }
  constexpr std::string_view kInside = "/plugin/";
  const std::string& program = manifest.command[0];
  if (!program.starts_with(kInside)) return absl::OkStatus();  // a program of the image
  if (exists(program.substr(kInside.size()), S_IXUSR)) return absl::OkStatus();
  return InvalidArgument("bundle {}: command: \"{}\" is not an executable file of the bundle", name, program);
}

}  // namespace

absl::StatusOr<CopiedTree> CopyBundleTree(int source_fd, int target_fd, const std::string& name) {
  return TreeCopier(source_fd, target_fd, name).Copy();
}

absl::StatusOr<policy::Manifest> ReadBundleManifest(int dir_fd, const std::string& name) {
  auto fd = base::OpenBeneath(dir_fd, policy::kManifestName, O_RDONLY | O_NONBLOCK);
  if (absl::IsNotFound(fd.status())) {
    return InvalidArgument("bundle {}: no {} in it", name, policy::kManifestName);
  }
  if (!fd.ok()) return Annotate(fd.status(), "bundle " + name);
  const std::string file = name + "/" + policy::kManifestName;
  VX_ASSIGN_OR_RETURN(const std::string text, base::ReadFd(fd->get(), policy::kMaxManifestBytes, file));
  VX_ASSIGN_OR_RETURN(policy::Manifest manifest, policy::ParseManifest(text, file));
  VX_RETURN_IF_ERROR(CheckPresent(dir_fd, name, manifest));
  return manifest;
}

}  // namespace vortex::sandbox
