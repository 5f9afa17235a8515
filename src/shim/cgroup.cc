// SPDX-License-Identifier: Apache-2.0
#include "shim/cgroup.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>

#include "shim/files.h"

namespace vortex::shim {
namespace {

constexpr long kCgroup2Magic = 0x63677270;
constexpr std::size_t kFileLimit = 1 << 20;

struct CgroupMount {
  std::string root;
  std::string point;
  std::string_view options;
};

void CollectPids(const std::string& dir, int depth, std::vector<pid_t>* pids) {
  if (const auto text = ReadFile(dir + "/cgroup.procs", kFileLimit)) {
    std::string_view rest = *text;
    while (!rest.empty()) {
      if (const auto pid = ParseNumber(NextLine(&rest)); pid && *pid != 0)
        pids->push_back(static_cast<pid_t>(*pid));
    }
  }
  if (depth == 0) return;
  DIR* listing = ::opendir(dir.c_str());
  if (listing == nullptr) return;
  while (const dirent* entry = ::readdir(listing)) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
      CollectPids(dir + "/" + entry->d_name, depth - 1, pids);
  }
  ::closedir(listing);
}

}  // namespace

std::map<std::string, std::string> CgroupDirs(std::string_view proc_cgroup,
                                              std::string_view mountinfo, bool v2) {
  // Mount points by controller.
  std::map<std::string, CgroupMount, std::less<>> mounts;
  while (!mountinfo.empty()) {
    const auto fields = Split(NextLine(&mountinfo), ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 6 || fields.end() - dash < 4) continue;
    const std::string_view type = *(dash + 1);
    CgroupMount mount{std::string(fields[3]), std::string(fields[4]), *(dash + 3)};
    if (type == "cgroup2" && v2) mounts.emplace("", mount);
    if (type != "cgroup" || v2) continue;
    for (const std::string_view option : Split(mount.options, ','))
      mounts.emplace(std::string(option), mount);
  }
  std::map<std::string, std::string> dirs;
  while (!proc_cgroup.empty()) {
    const std::string_view line = NextLine(&proc_cgroup);
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    std::string_view path = line.substr(second + 1);
    for (const std::string_view controller :
         Split(line.substr(first + 1, second - first - 1), ',')) {
      const auto it = mounts.find(controller);
      if (it == mounts.end()) continue;
      std::string_view below = path;
      // A hierarchy mounted from below its root (a container's view).
      if (it->second.root != "/" && below.starts_with(it->second.root))
        below.remove_prefix(it->second.root.size());
      // The root group holds the whole host: never ours to count, and above all not to kill.
      if (below.empty() || below == "/") continue;
      dirs[std::string(controller)] = it->second.point + std::string(below);
    }
  }
  return dirs;
}

Cgroup Cgroup::OfProcess(pid_t pid, const std::string& root) {
  Cgroup cgroup;
  struct statfs info {};
  cgroup.v2_ =
      ::statfs((root + "/sys/fs/cgroup").c_str(), &info) == 0 && info.f_type == kCgroup2Magic;
  const auto own = ReadFile(root + "/proc/" + std::to_string(pid) + "/cgroup", kFileLimit);
  const auto mounts = ReadFile(root + "/proc/self/mountinfo", 16 << 20);
  if (!own || !mounts) return cgroup;
  cgroup.dirs_ = CgroupDirs(*own, *mounts, cgroup.v2_);
  // A runtime that was told to leave cgroups alone puts its container into ours: there, killing
  // "everything inside" would be killing ourselves and containerd.
  const auto self = ReadFile(root + "/proc/self/cgroup", kFileLimit);
  for (const auto& [controller, dir] : CgroupDirs(self.value_or(""), *mounts, cgroup.v2_)) {
    const auto it = cgroup.dirs_.find(controller);
    if (it != cgroup.dirs_.end() && (dir == it->second || dir.starts_with(it->second + "/")))
      cgroup.dirs_.erase(it);
  }
  return cgroup;
}

std::string Cgroup::Dir(const std::string& controller) const {
  const auto it = dirs_.find(v2_ ? "" : controller);
  return it == dirs_.end() ? std::string() : it->second;
}

std::string Cgroup::AnyDir() const {
  for (const char* controller : {"pids", "memory", "cpu", "devices", "name=systemd", "freezer"}) {
    if (std::string dir = Dir(controller); !dir.empty()) return dir;
  }
  return dirs_.empty() ? std::string() : dirs_.begin()->second;
}

bool Cgroup::Exists() const {
  struct stat info {};
  const std::string dir = AnyDir();
  return !dir.empty() && ::stat(dir.c_str(), &info) == 0;
}

std::optional<std::string> Cgroup::Read(const std::string& controller,
                                        const std::string& file) const {
  const std::string dir = Dir(controller);
  if (dir.empty()) return std::nullopt;
  return ReadFile(dir + "/" + file, kFileLimit);
}

std::optional<std::uint64_t> Cgroup::ReadNumber(const std::string& controller,
                                                const std::string& file) const {
  const auto text = Read(controller, file);
  return text ? ParseNumber(*text) : std::nullopt;
}

std::optional<std::uint64_t> Cgroup::ReadKey(const std::string& controller, const std::string& file,
                                             std::string_view key) const {
  const auto text = Read(controller, file);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::string_view line = NextLine(&rest);
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ') {
      return ParseNumber(line.substr(key.size() + 1));
    }
  }
  return std::nullopt;
}

std::vector<pid_t> Cgroup::Pids() const {
  std::vector<pid_t> pids;
  const std::string dir = AnyDir();
  if (!dir.empty()) CollectPids(dir, 8, &pids);
  std::sort(pids.begin(), pids.end());
  return pids;
}

void Cgroup::SignalAll(int signal) const {
  for (const pid_t pid : Pids()) ::kill(pid, signal);
}

void Cgroup::KillAll() const {
  const std::string dir = AnyDir();
  if (dir.empty()) return;
  if (v2_ && WriteExisting(dir + "/cgroup.kill", "1") == 0) return;
  // A frozen group cannot fork while it is being killed; thawed, everyone dies of the pending
  // signal.
  const std::string freezer = v2_ ? dir + "/cgroup.freeze" : Dir("freezer") + "/freezer.state";
  const bool frozen =
      (v2_ || !Dir("freezer").empty()) && WriteExisting(freezer, v2_ ? "1" : "FROZEN") == 0;
  std::size_t before = 0;
  for (int round = 0; round < 10; ++round) {
    const auto pids = Pids();
    if (pids.size() == before && round > 0) break;
    before = pids.size();
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
  }
  if (frozen) (void)WriteExisting(freezer, v2_ ? "0" : "THAWED");
}

std::optional<std::uint64_t> Cgroup::OomKills() const {
  return v2_ ? ReadKey("memory", "memory.events", "oom_kill")
             : ReadKey("memory", "memory.oom_control", "oom_kill");
}

}  // namespace vortex::shim
