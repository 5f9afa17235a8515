// SPDX-License-Identifier: Apache-2.0
#include "sandbox/bundle_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"

namespace vortex::sandbox {
namespace {

constexpr std::string_view kDigestPrefix = "sha256:";
constexpr char kPartPrefix[] = ".part-";
// A copy in the making is younger than this; its maker would have to be stopped for an hour to lose it.
constexpr std::chrono::hours kPartAge{1};

// The time of the last use, which Collect goes by.
void Touch(int dir_fd) { ::futimens(dir_fd, nullptr); }

}  // namespace

std::string BundleStore::PathOf(const std::string& digest) const {
  return root_ + "/" + digest.substr(kDigestPrefix.size());
}

absl::StatusOr<Bundle> BundleStore::Open(const std::string& digest) {
  const std::string path = PathOf(digest);
  VX_ASSIGN_OR_RETURN(const base::UniqueFd dir, base::OpenFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  Touch(dir.get());
  Bundle bundle;
  bundle.digest = digest;
  bundle.path = path;
  VX_ASSIGN_OR_RETURN(bundle.manifest, ReadBundleManifest(dir.get(), digest));
  return bundle;
}

absl::StatusOr<Bundle> BundleStore::Get(const std::string& digest) {
  if (!base::IsSha256Digest(digest)) {
    return InvalidArgument("plugin: \"{}\" is not sha256: and 64 lower-case hex digits", digest);
  }
  auto bundle = Open(digest);
  if (absl::IsNotFound(bundle.status())) {
    return Error(absl::StatusCode::kNotFound, "plugin {}: not in the bundle store; run it from its directory once",
                 digest);
  }
  return bundle;
}

absl::StatusOr<Bundle> BundleStore::Add(const std::string& source_dir) {
  auto source = base::OpenFile(source_dir, O_RDONLY | O_DIRECTORY);
  if (!source.ok()) return Annotate(source.status(), "bundle");
  // The manifest first: its errors are what a plugin's author most often meets.
  VX_RETURN_IF_ERROR(ReadBundleManifest(source->get(), source_dir).status());
  VX_ASSIGN_OR_RETURN(const CopiedTree hashed, CopyBundleTree(source->get(), -1, source_dir));
  auto stored = Open(hashed.digest);
  if (stored.ok() || !absl::IsNotFound(stored.status())) return stored;

  VX_RETURN_IF_ERROR(base::MakeDirs(root_, 0711));
  const std::string part = root_ + "/" + kPartPrefix + base::RandomHex(8);
  if (::mkdir(part.c_str(), 0755) != 0) return ErrnoStatus(errno, fmt::format("mkdir {}", part));
  const auto copy = [&]() -> absl::StatusOr<std::string> {
    VX_ASSIGN_OR_RETURN(const base::UniqueFd target, base::OpenFile(part, O_RDONLY | O_DIRECTORY));
    if (::fchmod(target.get(), 0755) != 0) return ErrnoStatus(errno, fmt::format("chmod {}", part));
    // The digest of the bytes that were copied counts, not that of the look before.
    VX_ASSIGN_OR_RETURN(const CopiedTree copied, CopyBundleTree(source->get(), target.get(), source_dir));
    // Losing this race is fine: the winner has the same content.
    if (::rename(part.c_str(), PathOf(copied.digest).c_str()) == 0) return copied.digest;
    if (errno == EEXIST || errno == ENOTEMPTY) return copied.digest;
    return ErrnoStatus(errno, fmt::format("rename {} to {}", part, PathOf(copied.digest)));
  };
  auto digest = copy();
  base::RemoveTree(part).IgnoreError();
  if (!digest.ok()) return digest.status();
  return Open(*digest);
}

absl::StatusOr<std::vector<std::string>> BundleStore::Collect(std::chrono::seconds age) {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(root_.c_str()), ::closedir);
  std::vector<std::string> removed;
  if (!dir) {
    if (errno == ENOENT) return removed;
    return ErrnoStatus(errno, fmt::format("read {}", root_));
  }
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    const std::string path = root_ + "/" + name;
    const bool part = name.starts_with(kPartPrefix);
    if (!part && !base::IsSha256Digest(std::string(kDigestPrefix) + name)) continue;
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) continue;
    const auto unused = std::chrono::seconds(::time(nullptr) - st.st_mtime);
    if (unused < (part ? std::chrono::seconds(kPartAge) : age)) continue;
    // Renamed first, so that nobody opens a copy that is half gone.
    const std::string trash = root_ + "/" + kPartPrefix + base::RandomHex(8);
    if (!part && ::rename(path.c_str(), trash.c_str()) != 0) continue;
    VX_RETURN_IF_ERROR(base::RemoveTree(part ? path : trash));
    if (!part) removed.push_back(std::string(kDigestPrefix) + name);
  }
  return removed;
}

}  // namespace vortex::sandbox
