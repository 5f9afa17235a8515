// SPDX-License-Identifier: Apache-2.0
#include "sandbox/bundle.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/files.h"
#include "base/status.h"
#include "policy/text.h"
#include "sandbox/bundle_tree.h"

namespace vortex::sandbox {
namespace {

constexpr std::string_view kMountPoint = "/plugin/";

// The mode of what the path leads to within the bundle; nothing when it leads nowhere or outside.
std::optional<mode_t> ModeOf(int dir_fd, const std::string& path) {
  const auto fd = OpenInBundle(dir_fd, path, O_PATH);
  struct stat st {};
  if (!fd.ok() || ::fstat(fd->get(), &st) != 0) return std::nullopt;
  return st.st_mode;
}

bool IsFile(std::optional<mode_t> mode) { return mode && S_ISREG(*mode); }

absl::Status CheckEntrypoint(int dir_fd, const std::string& name, const std::string& module) {
  std::string path = module;
  std::replace(path.begin(), path.end(), '.', '/');
  if (IsFile(ModeOf(dir_fd, path + ".py")) || IsFile(ModeOf(dir_fd, path + "/__init__.py"))) {
    return absl::OkStatus();
  }
  return InvalidArgument(
      "bundle {}: entrypoint: module {} is not there; expected {}.py or {}/__init__.py", name,
      policy::Quoted(module), path, path);
}

absl::Status CheckCommand(int dir_fd, const std::string& name, const std::string& program) {
  if (!program.starts_with(kMountPoint)) return absl::OkStatus();  // a program of the image
  const auto mode = ModeOf(dir_fd, program.substr(kMountPoint.size()));
  const char* problem = !mode                    ? "is not in the bundle"
                        : !S_ISREG(*mode)        ? "is not a file"
                        : (*mode & S_IXUSR) == 0 ? "is not executable; chmod +x it"
                                                 : nullptr;
  if (problem == nullptr) return absl::OkStatus();
  return InvalidArgument("bundle {}: command: {} {}", name, policy::Quoted(program), problem);
}

absl::StatusOr<std::string> ReadManifestText(int dir_fd, const std::string& name) {
  // O_NONBLOCK: a FIFO must not hang us.
  auto fd = base::OpenBeneath(dir_fd, policy::kManifestName, O_RDONLY | O_NONBLOCK);
  if (absl::IsNotFound(fd.status())) {
    return InvalidArgument("bundle {}: no {} in it", name, policy::kManifestName);
  }
  const absl::Status not_a_file =
      InvalidArgument("bundle {}: {} is not a plain file", name, policy::kManifestName);
  if (const int error = GetErrno(fd.status()).value_or(0); error == ELOOP || error == ENXIO) {
    return not_a_file;
  }
  if (!fd.ok()) return Annotate(fd.status(), "bundle " + name);
  struct stat st {};
  if (::fstat(fd->get(), &st) != 0)
    return ErrnoStatus(errno, "stat the manifest of bundle " + name);
  if (!S_ISREG(st.st_mode)) return not_a_file;
  auto text = base::ReadFd(fd->get(), policy::kMaxManifestBytes, policy::kManifestName);
  if (absl::IsOutOfRange(text.status())) {
    return InvalidArgument("bundle {}: {}: larger than {} bytes", name, policy::kManifestName,
                           policy::kMaxManifestBytes);
  }
  return text;
}

}  // namespace

absl::StatusOr<policy::Manifest> ReadBundleManifest(int dir_fd, const std::string& name) {
  VX_ASSIGN_OR_RETURN(const std::string text, ReadManifestText(dir_fd, name));
  VX_ASSIGN_OR_RETURN(policy::Manifest manifest,
                      policy::ParseManifest(text, name + "/" + policy::kManifestName));
  VX_RETURN_IF_ERROR(manifest.entrypoint
                         ? CheckEntrypoint(dir_fd, name, manifest.entrypoint->module)
                         : CheckCommand(dir_fd, name, manifest.command[0]));
  return manifest;
}

}  // namespace vortex::sandbox
