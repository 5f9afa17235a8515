// SPDX-License-Identifier: Apache-2.0
#include "client/import/archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/status.h"
#include "client/import/archive_path.h"
#include "client/import/decompress.h"
#include "client/import/limits.h"

namespace vortex::client::importing {
namespace {

absl::StatusOr<struct stat> Stat(int fd, const std::string& name) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return ErrnoStatus(errno, fmt::format("stat {}", name));
  return st;
}

}  // namespace

absl::StatusOr<std::size_t> ArchiveFile::ReadAt(std::int64_t offset, char* buffer,
                                                std::size_t size) const {
  if (offset < 0 || offset >= size_) return std::size_t{0};
  const std::size_t wanted = std::min(size, static_cast<std::size_t>(size_ - offset));
  std::size_t done = 0;
  while (done < wanted) {
    const ssize_t n = ::pread(fd_, buffer + done, wanted - done,
                              offset_ + offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, fmt::format("read {}", name_));
    if (n == 0) return InvalidArgument("{}: became shorter than its {} bytes", name_, size_);
    done += static_cast<std::size_t>(n);
  }
  return done;
}

absl::StatusOr<std::string> ArchiveFile::ReadAll(std::size_t limit) const {
  if (size_ > static_cast<std::int64_t>(limit)) {
    return InvalidArgument("{}: {} bytes, at most {} are allowed", name_, size_, limit);
  }
  std::string out(static_cast<std::size_t>(size_), '\0');
  VX_RETURN_IF_ERROR(ReadAt(0, out.data(), out.size()).status());
  return out;
}

absl::StatusOr<std::unique_ptr<Archive>> Archive::Open(const std::string& path,
                                                       const base::Cancellation* cancel) {
  // O_NONBLOCK: a FIFO in the place of a file must not block; regular files do not mind.
  VX_ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  return FromFd(std::move(fd), path, cancel);
}

absl::StatusOr<std::unique_ptr<Archive>> Archive::FromFd(base::UniqueFd fd, const std::string& name,
                                                         const base::Cancellation* cancel) {
  VX_ASSIGN_OR_RETURN(struct stat st, Stat(fd.get(), name));
  if (S_ISDIR(st.st_mode)) return std::unique_ptr<Archive>(new Archive(std::move(fd), name, true));
  if (!S_ISREG(st.st_mode))
    return InvalidArgument("{}: neither a directory nor a regular file", name);

  char head[512] = {};
  const ssize_t n = ::pread(fd.get(), head, sizeof head, 0);
  if (n < 0) return ErrnoStatus(errno, fmt::format("read {}", name));
  const Compression compression = DetectCompression({head, static_cast<std::size_t>(n)});
  if (compression == Compression::kUnsupported) {
    return InvalidArgument("{}: compressed with bzip2 or xz; only gzip and zstd are read", name);
  }
  if (compression != Compression::kNone) {
    VX_ASSIGN_OR_RETURN(fd, ExpandToTemporary(fd.get(), compression, name, cancel));
    VX_ASSIGN_OR_RETURN(st, Stat(fd.get(), name));
  } else if (n == sizeof head && !LooksLikeTar(head) && head[0] != '\0') {
    return InvalidArgument("{}: not a tar archive (nor one compressed with gzip or zstd)", name);
  }
  std::unique_ptr<Archive> archive(new Archive(std::move(fd), name, false));
  VX_ASSIGN_OR_RETURN(archive->index_, IndexTar(archive->fd_.get(), st.st_size, name, cancel));
  return archive;
}

absl::StatusOr<ArchiveFile> Archive::Open(const std::string& path) const {
  VX_ASSIGN_OR_RETURN(const std::string clean, NormaliseArchivePath(path));
  if (clean.empty()) return InvalidArgument("{}: \"{}\" is not a file", name_, Printable(path));
  return directory_ ? OpenInDirectory(clean) : OpenInTar(clean);
}

absl::StatusOr<ArchiveFile> Archive::OpenInDirectory(const std::string& path) const {
  const std::string shown = fmt::format("{}/{}", name_, Printable(path));
  absl::StatusOr<base::UniqueFd> fd =
      base::OpenBeneath(fd_.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd.ok()) {
    const int error = GetErrno(fd.status()).value_or(0);
    if (error == ELOOP || error == EXDEV) {
      return InvalidArgument(
          "{}: a symbolic link on the way; an image layout must hold its files itself", shown);
    }
    if (error == ENOENT || error == ENOTDIR) {
      return Error(absl::StatusCode::kNotFound, "{}: not there", shown);
    }
    return ErrnoStatus(error, fmt::format("open {}", shown));
  }
  VX_ASSIGN_OR_RETURN(const struct stat st, Stat(fd->get(), shown));
  if (!S_ISREG(st.st_mode)) return InvalidArgument("{}: not a regular file", shown);
  const int raw = fd->get();
  return ArchiveFile(*std::move(fd), raw, 0, st.st_size, shown);
}

absl::StatusOr<ArchiveFile> Archive::OpenInTar(const std::string& path) const {
  std::string at = path;
  for (int depth = 0; depth < kMaxLinkDepth; ++depth) {
    const auto found = index_.find(at);
    if (found == index_.end()) {
      return Error(absl::StatusCode::kNotFound, "{}: no file \"{}\" in it", name_, Printable(at));
    }
    const TarEntry& entry = found->second;
    if (entry.kind == TarEntry::Kind::kFile) {
      return ArchiveFile(base::UniqueFd(), fd_.get(), entry.offset, entry.size,
                         fmt::format("{}({})", name_, Printable(at)));
    }
    // A hard link names a path from the root of the archive, a symbolic one from its own directory.
    absl::StatusOr<std::string> next = entry.kind == TarEntry::Kind::kHardlink
                                           ? NormaliseArchivePath(entry.link)
                                           : ResolveArchiveLink(at, entry.link);
    if (!next.ok()) return Annotate(next.status(), fmt::format("{}: \"{}\"", name_, Printable(at)));
    at = *std::move(next);
  }
  return InvalidArgument("{}: \"{}\" is a link to a link, more than {} times", name_,
                         Printable(path), kMaxLinkDepth);
}

}  // namespace vortex::client::importing
