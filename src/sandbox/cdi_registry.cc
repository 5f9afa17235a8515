// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cdi_registry.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "policy/text.h"
#include "sandbox/cdi_host.h"

namespace vortex::sandbox {
namespace {

// Of one directory. Its other entries are looked at by name only.
constexpr std::size_t kMaxFiles = 64;
constexpr std::size_t kMaxEntries = 4096;
// Of messages.
constexpr std::size_t kNamesTold = 12;

// What it says opens host files and devices to plugins, so that nobody else may write it.
absl::Status CheckOwner(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return ErrnoStatus(errno, path);
  if ((info.st_uid != 0 && info.st_uid != ::geteuid()) || (info.st_mode & 022) != 0) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "{}: others than root may write it (uid {}, mode 0{:o}), and it decides about "
                 "devices; make it root's, mode 0{:o}",
                 path, info.st_uid, info.st_mode & 07777, info.st_mode & 07755);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FileNames(int directory, const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> stream(
      ::fdopendir(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), ::closedir);
  if (!stream) return ErrnoStatus(errno, path);
  std::vector<std::string> names;
  std::size_t entries = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (++entries > kMaxEntries)
      return InvalidArgument("{}: more than {} entries", path, kMaxEntries);
    if (name.ends_with(".json") || name.ends_with(".yaml")) names.push_back(name);
  }
  if (names.size() > kMaxFiles)
    return InvalidArgument("{}: {} CDI files; at most {} are read", path, names.size(), kMaxFiles);
  std::sort(names.begin(), names.end());
  return names;
}

template <typename T>
void Append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void Append(oci::CdiEdits& to, const oci::CdiEdits& from) {
  Append(to.env, from.env);
  Append(to.device_nodes, from.device_nodes);
  Append(to.mounts, from.mounts);
  Append(to.hooks, from.hooks);
}

}  // namespace

struct CdiRegistry::Layer {
  std::map<std::string, CdiDevice> devices;
  std::set<std::string> conflicts;
};

CdiRegistry CdiRegistry::Read(const std::vector<std::string>& directories) {
  CdiRegistry registry;
  registry.directories_ = directories;
  for (const std::string& directory : directories) registry.ReadDirectory(directory);
  return registry;
}

void CdiRegistry::ReadDirectory(const std::string& directory) {
  const auto fd = base::OpenFile(directory, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) {
    if (GetErrno(fd.status()) != ENOENT) problems_.emplace_back(Message(fd.status()));
    return;
  }
  absl::Status status = CheckOwner(fd->get(), directory);
  absl::StatusOr<std::vector<std::string>> names = std::vector<std::string>();
  if (status.ok()) {
    names = FileNames(fd->get(), directory);
    status = names.status();
  }
  if (!status.ok()) {
    problems_.emplace_back(Message(status));
    return;
  }
  Layer layer;
  for (const std::string& name : *names) {
    const absl::Status read = ReadSpecFile(fd->get(), directory + "/" + name, name, layer);
    if (!read.ok()) problems_.emplace_back(Message(read));
  }
  // Neither of two that contradict each other, and not what a lower directory says instead.
  for (const std::string& name : layer.conflicts) {
    layer.devices.erase(name);
    devices_.erase(name);
  }
  for (auto& [name, device] : layer.devices) devices_[name] = std::move(device);
}

absl::Status CdiRegistry::ReadSpecFile(int directory, const std::string& path,
                                       const std::string& name, Layer& layer) {
  auto fd = base::OpenBeneath(directory, name, O_RDONLY | O_NONBLOCK);
  if (!fd.ok()) {
    if (GetErrno(fd.status()) == ELOOP)
      return InvalidArgument("{}: is a symbolic link; put the file itself there", path);
    return fd.status();
  }
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return ErrnoStatus(errno, path);
  if (!S_ISREG(info.st_mode)) return InvalidArgument("{}: is not a regular file", path);
  VX_RETURN_IF_ERROR(CheckOwner(fd->get(), path));
  VX_ASSIGN_OR_RETURN(const std::string text, base::ReadFd(fd->get(), kMaxCdiBytes, path));
  VX_ASSIGN_OR_RETURN(CdiSpec parsed, ParseCdiSpec(text, path));
  const auto spec = std::make_shared<const CdiSpec>(std::move(parsed));
  const std::string digest = base::Sha256::Digest(text);
  for (std::size_t i = 0; i < spec->devices.size(); ++i) {
    const CdiSpecDevice& device = spec->devices[i];
    const auto [it, added] =
        layer.devices.try_emplace(device.name, CdiDevice{device.where, path, digest, spec, i});
    if (added) continue;
    layer.conflicts.insert(device.name);
    problems_.push_back(
        fmt::format("{}: {} is also defined at {}, so that neither counts; remove "
                    "one",
                    device.where, device.name, it->second.where));
  }
  return absl::OkStatus();
}

const CdiDevice* CdiRegistry::Find(const std::string& name) const {
  const auto it = devices_.find(name);
  return it == devices_.end() ? nullptr : &it->second;
}

absl::StatusOr<oci::CdiEdits> CdiRegistry::Resolve(const std::vector<std::string>& names) const {
  // All of them are looked up before anything is done.
  for (const std::string& name : names) {
    if (Find(name) != nullptr) continue;
    std::string here;
    std::size_t told = 0;
    for (const auto& [other, device] : devices_) {
      if (told++ < kNamesTold) here += (here.empty() ? "" : ", ") + other;
    }
    if (told > kNamesTold) here += fmt::format(" and {} more", told - kNamesTold);
    std::string message = fmt::format("{}: this node has no such CDI device; ", name);
    message += here.empty() ? fmt::format(
                                  "it has none at all (no CDI file in {}); a vendor's tool writes "
                                  "them, for example nvidia-ctk cdi generate "
                                  "--output=/var/run/cdi/nvidia.yaml",
                                  fmt::join(directories_, " or "))
                            : "it has " + here;
    if (!problems_.empty())
      message += fmt::format("; {} could not be used: {}",
                             problems_.size() == 1 ? "one thing" : "some things",
                             fmt::join(problems_, "; "));
    return Error(absl::StatusCode::kFailedPrecondition, "{}", message);
  }
  oci::CdiEdits edits;
  std::set<const CdiSpec*> seen;
  for (const std::string& name : names) {
    const CdiDevice& device = *Find(name);
    if (seen.insert(device.spec.get()).second) Append(edits, device.spec->edits);
    Append(edits, device.spec->devices[device.index].edits);
  }
  for (oci::CdiDeviceNode& node : edits.device_nodes)
    node.host = LookAtNode(node.host_path.empty() ? node.path : node.host_path);
  for (oci::CdiMount& mount : edits.mounts) mount.host = LookAtFile(mount.host_path);
  return edits;
}

}  // namespace vortex::sandbox
