// SPDX-License-Identifier: Apache-2.0
#include "oci/cdi_edits.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "oci/cdi_hooks.h"
#include "oci/field_check.h"
#include "oci/grant_check.h"

namespace vortex::oci {
namespace {

// Of one grant, all devices together. NVIDIA's files have some ten nodes and fewer than a hundred
// mounts.
constexpr std::size_t kMaxNodes = 64;
constexpr std::size_t kMaxMounts = 512;
constexpr std::size_t kMaxEnv = 64;

template <typename... Args>
absl::Status Refuse(const std::string& where, fmt::format_string<Args...> format, Args&&... args) {
  return Error(absl::StatusCode::kFailedPrecondition, "{}: {}", where,
               fmt::format(format, std::forward<Args>(args)...));
}

// Errors of field checks as ours.
absl::Status At(const std::string& where, const absl::Status& status) {
  return status.ok() ? status : Refuse(where, "{}", Message(status));
}

// Other names would replace what the loader, the interpreter, the harness or the egress proxy rely
// on; those of the job itself (sandbox/job.cc) are among them.
bool IsReserved(std::string_view name) {
  constexpr std::array<std::string_view, 8> kPrefixes = {"BASH_", "DYLD_",   "GCONV_", "GLIBC_",
                                                         "LD_",   "MALLOC_", "PYTHON", "VORTEX_"};
  constexpr std::array<std::string_view, 12> kNames = {
      "ENV",     "HOME", "IFS",         "LANG",      "LC_ALL", "LOCPATH",
      "NLSPATH", "PATH", "RES_OPTIONS", "SHELLOPTS", "TMPDIR", "TZDIR"};
  const auto starts = [&](std::string_view prefix) { return name.starts_with(prefix); };
  if (std::any_of(kPrefixes.begin(), kPrefixes.end(), starts)) return true;
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) return true;
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower.ends_with("_proxy");
}

bool IsVariableName(std::string_view name) {
  constexpr std::string_view kCharacters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  return !name.empty() && (name.front() < '0' || name.front() > '9') &&
         name.find_first_not_of(kCharacters) == std::string_view::npos;
}

absl::Status TakeEnv(const CdiEdits& edits, CdiGrant& out) {
  // A later variable replaces an earlier one in its place.
  std::map<std::string, std::size_t> places;
  for (const CdiEnv& env : edits.env) {
    const std::size_t equals = std::min(env.entry.find('='), env.entry.size());
    const std::string name = env.entry.substr(0, equals);
    if (equals == env.entry.size() || !IsVariableName(name))
      return Refuse(env.where, "\"{}\" is not NAME=VALUE", env.entry);
    VX_RETURN_IF_ERROR(At(env.where, CheckText("value", env.entry)));
    if (IsReserved(name)) {
      return Refuse(env.where,
                    "the variable {} steers the loader, the interpreter or the sandbox itself and "
                    "is not a device's to set",
                    name);
    }
    const auto [place, added] = places.emplace(name, out.env.size());
    if (added)
      out.env.push_back(env.entry);
    else
      out.env[place->second] = env.entry;
  }
  if (out.env.size() > kMaxEnv) {
    return Refuse(edits.env.back().where, "{} variables; at most {} are allowed", out.env.size(),
                  kMaxEnv);
  }
  return absl::OkStatus();
}

const char* KindName(char kind) {
  switch (kind) {
    case 'b':
      return "a block device";
    case 'p':
      return "a FIFO";
    case 's':
      return "a socket";
    case 'l':
      return "a symbolic link";
    case 'd':
      return "a directory";
    case 'c':
      return "a character device";
    default:
      return "a file";
  }
}

// What the file says of the node is what the host has: the runtimes bind the host's node, whatever
// the spec's numbers and modes are.
absl::Status CheckAgainstHost(const CdiDeviceNode& node, const std::string& host_path) {
  const HostFile& host = node.host;
  if (!host.problem.empty()) return Refuse(node.where, "{}", host.problem);
  if (!node.type.empty() && node.type != "c" && node.type != "u") {
    return Refuse(node.where,
                  "type: \"{}\"; only character devices (c) are granted: a block device is a disk",
                  node.type);
  }
  if (host.kind != 'c') {
    return Refuse(node.where, "{} of the host is {}; name a character device", host_path,
                  KindName(host.kind));
  }
  // CDI takes a major number of 0 for "not given".
  const bool numbered = node.major.value_or(0) != 0;
  if (numbered && (*node.major != host.major || node.minor.value_or(0) != host.minor)) {
    return Refuse(node.where, "says {}:{}, but {} of the host is {}:{}; generate the file anew",
                  *node.major, node.minor.value_or(0), host_path, host.major, host.minor);
  }
  if (node.file_mode && (*node.file_mode & 07777) != host.mode) {
    return Refuse(node.where,
                  "fileMode 0{:o}, but {} of the host has 0{:o}, and a sandbox shows it as it is; "
                  "change the node by an udev rule, or leave fileMode out",
                  *node.file_mode & 07777, host_path, host.mode);
  }
  if ((node.uid && *node.uid != host.uid) || (node.gid && *node.gid != host.gid)) {
    return Refuse(node.where,
                  "uid {} and gid {}, but {} of the host is of {}:{}, and a sandbox shows it as it "
                  "is; change the node by an udev rule, or leave them out",
                  node.uid.value_or(host.uid), node.gid.value_or(host.gid), host_path, host.uid,
                  host.gid);
  }
  return absl::OkStatus();
}

absl::StatusOr<DeviceGrant> JudgeNode(const CdiDeviceNode& node) {
  const std::string& host_path = node.host_path.empty() ? node.path : node.host_path;
  VX_RETURN_IF_ERROR(At(node.where, CheckPath("path", node.path)));
  VX_RETURN_IF_ERROR(At(node.where, CheckPath("hostPath", host_path)));
  VX_RETURN_IF_ERROR(CheckAgainstHost(node, host_path));
  DeviceGrant grant;
  grant.path = node.path;
  if (node.host.path != node.path) grant.host_path = node.host.path;
  grant.major = node.host.major;
  grant.minor = node.host.minor;
  grant.file_mode = node.host.mode & 0777;
  if (node.permissions.find_first_not_of("rwm") != std::string::npos)
    return Refuse(node.where, "permissions: \"{}\" is not made of r, w and m", node.permissions);
  // m, to make nodes, is never given: nobody inside could.
  grant.access.clear();
  for (const char bit : {'r', 'w'}) {
    if (node.permissions.empty() || node.permissions.find(bit) != std::string::npos)
      grant.access += bit;
  }
  if (grant.access.empty()) {
    return Refuse(node.where, "permissions: \"{}\" lets nobody read or write; leave the node out",
                  node.permissions);
  }
  // To the host the plugin is an id of its own, in no group.
  const std::uint32_t needed = (grant.access.find('r') != std::string::npos ? 04u : 0u) |
                               (grant.access.find('w') != std::string::npos ? 02u : 0u);
  if ((node.host.mode & needed) != needed) {
    return Refuse(
        node.where,
        "{} of the host has mode 0{:o} and belongs to {}:{}; the plugin's user is neither "
        "of them, so others need {} (an udev rule with MODE=\"0{:o}\"); the device cgroup "
        "keeps all other plugins out",
        host_path, node.host.mode, node.host.uid, node.host.gid, grant.access,
        node.host.mode | needed);
  }
  VX_RETURN_IF_ERROR(At(node.where, CheckDevice(grant)));
  return grant;
}

absl::Status TakeNodes(const CdiEdits& edits, CdiGrant& out) {
  for (const CdiDeviceNode& node : edits.device_nodes) {
    VX_ASSIGN_OR_RETURN(DeviceGrant grant, JudgeNode(node));
    const auto same =
        std::find_if(out.devices.begin(), out.devices.end(),
                     [&](const DeviceGrant& other) { return other.path == grant.path; });
    if (same == out.devices.end())
      out.devices.push_back(std::move(grant));
    else
      *same = std::move(grant);
  }
  if (out.devices.size() > kMaxNodes) {
    return Refuse(edits.device_nodes.back().where, "{} device nodes; at most {} are allowed",
                  out.devices.size(), kMaxNodes);
  }
  return absl::OkStatus();
}

// Ways to talk to a daemon of the host; the driver works without.
bool IsUnneededSocket(std::string_view path) {
  return path.ends_with("/nvidia-persistenced/socket") ||
         path.ends_with("/nvidia-fabricmanager/socket");
}

absl::Status JudgeMount(const CdiMount& mount) {
  constexpr std::array<std::string_view, 12> kOptions = {
      "bind", "noexec", "nodev",    "nosuid", "private", "rbind",
      "ro",   "rro",    "rprivate", "rslave", "slave",   "nosymfollow"};
  VX_RETURN_IF_ERROR(At(mount.where, CheckPath("containerPath", mount.container_path)));
  if (!mount.type.empty() && mount.type != "bind" && mount.type != "none")
    return Refuse(mount.where, "type: \"{}\"; only bind mounts are granted", mount.type);
  for (const std::string& option : mount.options) {
    if (std::find(kOptions.begin(), kOptions.end(), option) == kOptions.end())
      return Refuse(mount.where, "options: \"{}\" is not one of a read-only bind mount", option);
  }
  const auto has = [&](std::string_view option) {
    return std::find(mount.options.begin(), mount.options.end(), option) != mount.options.end();
  };
  if (!has("ro") && !has("rro")) {
    return Refuse(mount.where,
                  "options: {} would be writable; only read-only mounts (ro) are "
                  "granted",
                  mount.host_path);
  }
  if (!mount.host.problem.empty()) return Refuse(mount.where, "{}", mount.host.problem);
  if (mount.host.kind != '-' && mount.host.kind != 'd') {
    return Refuse(mount.where, "{} of the host is {}; only files and directories are mounted",
                  mount.host_path, KindName(mount.host.kind));
  }
  return At(mount.where, CheckMountSource("hostPath", mount.host.path));
}

bool IsLibrary(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name.ends_with(".so") || name.find(".so.") != std::string_view::npos;
}

std::string Directory(std::string_view path) {
  return std::string(path.substr(0, path.rfind('/')));
}

// Mounts by their path inside, each with its source; the loader's names among them.
class MountTable {
 public:
  void Add(const std::string& path, MountGrant grant) {
    grant.destination = kCdiMountRoot + path;
    table_[path] = std::move(grant);
    if (IsLibrary(path)) {
      const std::string directory = kCdiMountRoot + Directory(path);
      if (std::find(libraries_.begin(), libraries_.end(), directory) == libraries_.end())
        libraries_.push_back(directory);
    }
  }
  // A symbolic link cannot be made in a sandbox; the same file under another name does as well.
  bool Alias(const std::string& target, const std::string& name) {
    const auto it = table_.find(target);
    if (it == table_.end()) return false;
    if (table_.find(name) == table_.end()) Add(name, MountGrant(it->second));
    return true;
  }
  std::size_t size() const { return table_.size(); }
  void MoveTo(CdiGrant& out) {
    for (auto& [path, grant] : table_) out.mounts.push_back(std::move(grant));
    std::string list;
    for (const std::string& directory : libraries_) list += (list.empty() ? "" : ":") + directory;
    if (!list.empty()) out.env.push_back("LD_LIBRARY_PATH=" + list);
  }

 private:
  std::map<std::string, MountGrant> table_;
  std::vector<std::string> libraries_;  // directories, in the order of their first library
};

absl::Status TakeMounts(const CdiEdits& edits, CdiGrant& out) {
  VX_ASSIGN_OR_RETURN(HookAnswers answers, AnswerHooks(edits.hooks));
  MountTable table;
  for (const CdiMount& mount : edits.mounts) {
    if (IsUnneededSocket(mount.host_path)) {
      out.notes.push_back(fmt::format("{}: {} is not mounted: it leads to a daemon of the host",
                                      mount.where, mount.host_path));
      continue;
    }
    VX_RETURN_IF_ERROR(JudgeMount(mount));
    const bool executable =
        std::find(mount.options.begin(), mount.options.end(), "noexec") == mount.options.end();
    table.Add(mount.container_path, {mount.host.path, "", true, true, executable});
  }
  for (const CdiMount& mount : edits.mounts) {
    if (mount.host.soname.empty() || !CheckPath("", "/" + mount.host.soname).ok() ||
        mount.host.soname.find('/') != std::string::npos)
      continue;
    table.Alias(mount.container_path, Directory(mount.container_path) + "/" + mount.host.soname);
  }
  // A link may lead to another one that comes later.
  auto& links = answers.links;
  for (bool found = true; found;) {
    const std::size_t before = links.size();
    links.erase(std::remove_if(links.begin(), links.end(),
                               [&](const auto& link) {
                                 return table.size() <= kMaxMounts &&
                                        table.Alias(link.first, link.second);
                               }),
                links.end());
    found = links.size() < before;
  }
  if (table.size() > kMaxMounts) {
    return Refuse(edits.mounts.back().where, "{} or more mounts; at most {} are allowed",
                  table.size(), kMaxMounts);
  }
  out.notes.insert(out.notes.end(), answers.notes.begin(), answers.notes.end());
  for (const auto& [target, link] : links) {
    out.notes.push_back(
        fmt::format("the link {} is left out: its target {} is no mounted file", link, target));
  }
  table.MoveTo(out);
  return absl::OkStatus();
}

template <typename T>
std::vector<T> Joined(std::vector<T> a, const std::vector<T>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

absl::StatusOr<CdiGrant> JudgeCdiEdits(const CdiEdits& edits) {
  CdiGrant out;
  VX_RETURN_IF_ERROR(TakeEnv(edits, out));
  VX_RETURN_IF_ERROR(TakeNodes(edits, out));
  VX_RETURN_IF_ERROR(TakeMounts(edits, out));
  return out;
}

void ApplyCdi(const CdiGrant& grant, JobConfig& job) {
  job.env = Joined(std::move(job.env), grant.env);
  job.devices = {WeakensIsolation{"an operator's allow entry names the device"},
                 Joined(*job.devices, grant.devices)};
  job.mounts = {WeakensIsolation{"a granted device's driver needs its libraries"},
                Joined(*job.mounts, grant.mounts)};
}

}  // namespace vortex::oci
