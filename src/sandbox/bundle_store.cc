// SPDX-License-Identifier: Apache-2.0
#include "sandbox/bundle_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <memory>

#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "policy/text.h"
#include "sandbox/bundle_tree.h"

namespace vortex::sandbox {
namespace {

constexpr std::string_view kDigestPrefix = "sha256:";
constexpr char kPartPrefix[] = ".part-";
// A copy in the making is younger than this; its maker would have to be stopped for an hour to lose
// it.
constexpr std::chrono::hours kPartAge{1};

// Between the look at a copy's last use and the copy itself: users hold the store shared, Collect
// alone. Ends with the descriptor.
absl::StatusOr<base::UniqueFd> LockStore(const std::string& root, int operation) {
  VX_ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenFile(root, O_RDONLY | O_DIRECTORY));
  while (::flock(fd.get(), operation) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, fmt::format("lock {}", root));
  }
  return fd;
}

absl::Status CheckDigest(const std::string& digest) {
  if (base::IsSha256Digest(digest)) return absl::OkStatus();
  return InvalidArgument("plugin: {} is not sha256: and 64 lower-case hex digits",
                         policy::Quoted(digest));
}

absl::Status NotStored(const std::string& digest) {
  return Error(absl::StatusCode::kNotFound,
               "plugin {}: not in the bundle store; run it from its directory once", digest);
}

}  // namespace

std::string BundleStore::PathOf(const std::string& digest) const {
  return root_ + "/" + digest.substr(kDigestPrefix.size());
}

absl::StatusOr<Bundle> BundleStore::Open(const std::string& digest) {
  VX_ASSIGN_OR_RETURN(const base::UniqueFd lock, LockStore(root_, LOCK_SH));
  const std::string path = PathOf(digest);
  VX_ASSIGN_OR_RETURN(const base::UniqueFd dir,
                      base::OpenFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  // The time of the last use, which Collect goes by.
  if (::futimens(dir.get(), nullptr) != 0) return ErrnoStatus(errno, fmt::format("touch {}", path));
  Bundle bundle;
  bundle.digest = digest;
  bundle.path = path;
  VX_ASSIGN_OR_RETURN(bundle.manifest, ReadBundleManifest(dir.get(), digest));
  return bundle;
}

absl::StatusOr<Bundle> BundleStore::Get(const std::string& digest) {
  VX_RETURN_IF_ERROR(CheckDigest(digest));
  auto bundle = Open(digest);
  if (absl::IsNotFound(bundle.status())) return NotStored(digest);
  return bundle;
}

absl::Status BundleStore::Verify(const std::string& digest) {
  VX_RETURN_IF_ERROR(CheckDigest(digest));
  const auto dir = base::OpenFile(PathOf(digest), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (absl::IsNotFound(dir.status())) return NotStored(digest);
  if (!dir.ok()) return dir.status();
  VX_ASSIGN_OR_RETURN(const CopiedTree tree, CopyBundleTree(dir->get(), -1, digest));
  if (tree.digest == digest) return absl::OkStatus();
  return Error(absl::StatusCode::kDataLoss, "bundle copy {}: its content is {}; remove it",
               PathOf(digest), tree.digest);
}

absl::StatusOr<Bundle> BundleStore::Add(const std::string& source_dir) {
  auto source = base::OpenFile(source_dir, O_RDONLY | O_DIRECTORY);
  if (!source.ok()) return Annotate(source.status(), "bundle");
  // The manifest first: its errors are what a plugin's author most often meets.
  VX_RETURN_IF_ERROR(ReadBundleManifest(source->get(), source_dir).status());
  VX_ASSIGN_OR_RETURN(const CopiedTree hashed, CopyBundleTree(source->get(), -1, source_dir));
  VX_RETURN_IF_ERROR(base::MakeDirs(root_, 0711));
  auto stored = Open(hashed.digest);
  if (stored.ok() || !absl::IsNotFound(stored.status())) return stored;
  // The digest of the bytes that were copied counts, not that of the look before.
  VX_ASSIGN_OR_RETURN(const std::string digest, Copy(source->get(), source_dir));
  return Open(digest);
}

// Copies into a directory beside the finished ones, then renames; what the copy holds is checked
// while nobody else can see it.
absl::StatusOr<std::string> BundleStore::Copy(int source_fd, const std::string& source_dir) {
  const std::string part = root_ + "/" + kPartPrefix + base::RandomHex(8);
  if (::mkdir(part.c_str(), 0755) != 0) return ErrnoStatus(errno, fmt::format("mkdir {}", part));
  const auto copy = [&]() -> absl::StatusOr<std::string> {
    VX_ASSIGN_OR_RETURN(const base::UniqueFd target, base::OpenFile(part, O_RDONLY | O_DIRECTORY));
    if (::fchmod(target.get(), 0755) != 0) return ErrnoStatus(errno, fmt::format("chmod {}", part));
    VX_ASSIGN_OR_RETURN(const CopiedTree copied,
                        CopyBundleTree(source_fd, target.get(), source_dir));
    VX_RETURN_IF_ERROR(ReadBundleManifest(target.get(), source_dir).status());
    const std::string path = PathOf(copied.digest);
    // Losing this race is fine: the winner has the same content.
    if (::rename(part.c_str(), path.c_str()) == 0) return copied.digest;
    if (errno == EEXIST || errno == ENOTEMPTY) return copied.digest;
    return ErrnoStatus(errno, fmt::format("rename {} to {}", part, path));
  };
  auto digest = copy();
  base::RemoveTree(part).IgnoreError();
  return digest;
}

// Renames an unused entry to `trash`, so that nobody opens a copy that is half gone. False: in use.
absl::StatusOr<bool> BundleStore::Retire(const std::string& name, std::chrono::seconds age,
                                         const std::string& trash) {
  VX_ASSIGN_OR_RETURN(const base::UniqueFd lock, LockStore(root_, LOCK_EX));
  const std::string path = root_ + "/" + name;
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) {
    if (errno == ENOENT) return false;  // somebody else collects, too
    return ErrnoStatus(errno, fmt::format("stat {}", path));
  }
  if (std::chrono::seconds(::time(nullptr) - st.st_mtime) < age) return false;
  if (::rename(path.c_str(), trash.c_str()) != 0) {
    return ErrnoStatus(errno, fmt::format("rename {} to {}", path, trash));
  }
  return true;
}

absl::StatusOr<std::vector<std::string>> BundleStore::Collect(std::chrono::seconds age,
                                                              const std::set<std::string>& in_use) {
  std::vector<std::string> removed;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(root_.c_str()), ::closedir);
  if (!dir) {
    if (errno == ENOENT) return removed;
    return ErrnoStatus(errno, fmt::format("read {}", root_));
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) names.emplace_back(entry->d_name);
  for (const std::string& name : names) {
    const bool part = name.starts_with(kPartPrefix);
    const std::string digest = std::string(kDigestPrefix) + name;
    if (!part && (!base::IsSha256Digest(digest) || in_use.contains(digest))) continue;
    const std::string trash = root_ + "/" + kPartPrefix + base::RandomHex(8);
    VX_ASSIGN_OR_RETURN(const bool retired,
                        Retire(name, part ? std::chrono::seconds(kPartAge) : age, trash));
    if (!retired) continue;
    VX_RETURN_IF_ERROR(base::RemoveTree(trash));
    if (!part) removed.push_back(digest);
  }
  return removed;
}

}  // namespace vortex::sandbox
