// SPDX-License-Identifier: Apache-2.0
// One view of the two shapes an image archive has on disk: a directory, or a tar (plain, gzip,
// zstd). Files are found by their name inside the archive and read at any offset.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/cancellation.h"
#include "base/unique_fd.h"
#include "client/import/tar_index.h"

namespace vortex::client::importing {

// A file of an archive. Must not outlive it. Thread-safe for reads.
class ArchiveFile {
 public:
  ArchiveFile(base::UniqueFd owned, int fd, std::int64_t offset, std::int64_t size,
              std::string name)
      : owned_(std::move(owned)), fd_(fd), offset_(offset), size_(size), name_(std::move(name)) {}

  std::int64_t size() const { return size_; }

  // Fills `buffer` from `offset` on and returns how much; 0 at the end.
  //   Errors  InvalidArgument: the file became shorter since it was opened.
  absl::StatusOr<std::size_t> ReadAt(std::int64_t offset, char* buffer, std::size_t size) const;

  // The whole file; larger than `limit` is InvalidArgument, told before anything is read.
  absl::StatusOr<std::string> ReadAll(std::size_t limit) const;

 private:
  base::UniqueFd owned_;
  int fd_;
  std::int64_t offset_;
  std::int64_t size_;
  std::string name_;
};

class Archive {
 public:
  // Expands a compressed tar to a temporary file first, which may take long.
  //   Errors  NotFound: no such path; InvalidArgument: neither a directory nor a tar; those of
  //   IndexTar and
  //           ExpandToTemporary.
  static absl::StatusOr<std::unique_ptr<Archive>> Open(const std::string& path,
                                                       const base::Cancellation* cancel);
  // The same from an open file or directory.
  static absl::StatusOr<std::unique_ptr<Archive>> FromFd(base::UniqueFd fd, const std::string& name,
                                                         const base::Cancellation* cancel);

  // Opens the regular file `path`, a relative name without "..". Links inside a tar are followed
  // while they stay in it (older `docker save` shares layers that way); a directory's links are
  // refused.
  //   Errors  NotFound: not in the archive; InvalidArgument: not a regular file or a bad name.
  absl::StatusOr<ArchiveFile> Open(const std::string& path) const;

  // For error messages.
  const std::string& name() const { return name_; }

 private:
  Archive(base::UniqueFd fd, std::string name, bool directory)
      : fd_(std::move(fd)), name_(std::move(name)), directory_(directory) {}

  absl::StatusOr<ArchiveFile> OpenInDirectory(const std::string& path) const;
  absl::StatusOr<ArchiveFile> OpenInTar(const std::string& path) const;

  base::UniqueFd fd_;
  std::string name_;
  bool directory_;
  TarIndex index_;
};

}  // namespace vortex::client::importing
