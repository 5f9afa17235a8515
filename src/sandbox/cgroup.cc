// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <limits>
#include <set>
#include <sstream>

#include "base/files.h"
#include "base/pidfd.h"
#include "base/status.h"

namespace vortex::sandbox {
namespace {

constexpr std::size_t kFileLimit = 1 << 20;
constexpr const char* kNeeded[] = {"memory", "cpu", "pids"};

template <typename T>
std::optional<T> Number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::optional<std::string> Read(const std::string& path) {
  auto text = base::ReadFile(path, kFileLimit);
  if (!text.ok()) return std::nullopt;
  return *std::move(text);
}

std::optional<std::uint64_t> ReadNumber(const std::string& path) {
  const auto text = Read(path);
  return text ? Number<std::uint64_t>(*text) : std::nullopt;
}

// A limit file: a number, "max", or v1's huge value for "none".
std::optional<std::int64_t> ReadLimit(const std::string& path) {
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  const auto text = Read(path);
  if (!text) return std::nullopt;
  if (text->starts_with("max") || text->starts_with("-1")) return kNone;
  const auto value = Number<std::int64_t>(*text);
  // v1 says "no limit" by the largest page-aligned number.
  if (value && *value >= kNone - 65536) return kNone;
  return value;
}

// The value of "key value" in a flat keyed file.
std::optional<std::uint64_t> ReadKey(const std::string& path, std::string_view key) {
  const auto text = Read(path);
  if (!text) return std::nullopt;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return Number<std::uint64_t>(std::string_view(line).substr(key.size() + 1));
    }
  }
  return std::nullopt;
}

template <typename T>
std::optional<std::uint64_t> Scale(std::optional<T> value, T divisor) {
  if (!value) return std::nullopt;
  return static_cast<std::uint64_t>(*value / divisor);
}

// quota and period in microseconds → thousandths of a cpu.
std::optional<std::int64_t> Millicpus(std::optional<std::int64_t> quota,
                                      std::optional<std::int64_t> period) {
  if (!quota || !period || *period <= 0) return std::nullopt;
  if (*quota == std::numeric_limits<std::int64_t>::max()) return quota;
  return *quota * 1000 / *period;
}

}  // namespace

absl::StatusOr<CgroupHost> CgroupHost::Parse(const std::string& mountinfo) {
  CgroupHost host;
  std::string unified;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream left(line.substr(0, dash));
    std::istringstream right(line.substr(dash + 3));
    std::string id, parent, device, root, mount_point, type, source, options;
    left >> id >> parent >> device >> root >> mount_point;
    right >> type >> source >> options;
    if (type == "cgroup2") unified = mount_point;
    if (type != "cgroup") continue;
    std::istringstream list(options);
    for (std::string option; std::getline(list, option, ',');) host.mounts_[option] = mount_point;
  }
  // Hybrid hosts mount v2 too, and runc makes a directory there as well.
  if (!unified.empty()) host.mounts_["unified"] = unified;
  // Any v1 controller we need makes the host v1 or hybrid: a controller is in one hierarchy only.
  if (!host.mounts_.contains("memory") && !unified.empty()) {
    host.v2_ = true;
    return host;
  }
  for (const char* controller : kNeeded) {
    if (!host.mounts_.contains(controller)) {
      return Error(
          absl::StatusCode::kFailedPrecondition,
          "cgroup controller {}: not mounted, neither as v1 nor as v2; limits cannot be set "
          "without it",
          controller);
    }
  }
  return host;
}

absl::StatusOr<CgroupHost> CgroupHost::Detect() {
  VX_ASSIGN_OR_RETURN(const std::string mountinfo, base::ReadFile("/proc/self/mountinfo", 8 << 20));
  return Parse(mountinfo);
}

std::string CgroupHost::Dir(const std::string& controller, const std::string& cgroups_path) const {
  const auto mount = mounts_.find(v2_ ? "unified" : controller);
  return mount == mounts_.end() ? std::string() : mount->second + cgroups_path;
}

std::vector<std::string> CgroupHost::Roots() const {
  std::set<std::string> roots;
  for (const auto& [controller, mount] : mounts_) {
    // A flag such as "rw" is in the map too, under a mount point that a controller has anyway.
    roots.insert(mount);
  }
  return {roots.begin(), roots.end()};
}

CgroupCounters RunCgroup::ReadCounters() const {
  CgroupCounters out;
  const std::string memory = host_->Dir("memory", path_);
  const std::string pids = host_->Dir("pids", path_);
  const std::string cpu = host_->Dir("cpu", path_);
  out.pids_peak = ReadNumber(pids + "/pids.peak");
  out.pids_denied = ReadKey(pids + "/pids.events", "max");
  out.throttled_periods = ReadKey(cpu + "/cpu.stat", "nr_throttled");
  if (host_->v2()) {
    out.cpu_usec = ReadKey(cpu + "/cpu.stat", "usage_usec");
    out.throttled_usec = ReadKey(cpu + "/cpu.stat", "throttled_usec");
    out.memory_peak_bytes = ReadNumber(memory + "/memory.peak");
    // memory.events.local counts kills for this cgroup's own limit; memory.events also a child's.
    out.oom_kills = ReadKey(memory + "/memory.events", "oom_kill");
  } else {
    constexpr std::uint64_t kNanosPerMicro = 1000;
    out.cpu_usec =
        Scale(ReadNumber(host_->Dir("cpuacct", path_) + "/cpuacct.usage"), kNanosPerMicro);
    out.throttled_usec = Scale(ReadKey(cpu + "/cpu.stat", "throttled_time"), kNanosPerMicro);
    out.memory_peak_bytes = ReadNumber(memory + "/memory.max_usage_in_bytes");
    out.oom_kills = ReadKey(memory + "/memory.oom_control", "oom_kill");
  }
  return out;
}

CgroupLimits RunCgroup::ReadLimits() const {
  CgroupLimits out;
  const std::string memory = host_->Dir("memory", path_);
  const std::string cpu = host_->Dir("cpu", path_);
  out.pids = ReadLimit(host_->Dir("pids", path_) + "/pids.max");
  if (host_->v2()) {
    out.memory_bytes = ReadLimit(memory + "/memory.max");
    out.swap_bytes = ReadLimit(memory + "/memory.swap.max");
    if (const auto max = Read(cpu + "/cpu.max")) {
      const std::size_t space = max->find(' ');
      std::optional<std::int64_t> quota = max->starts_with("max")
                                              ? std::numeric_limits<std::int64_t>::max()
                                              : Number<std::int64_t>(*max);
      if (space != std::string::npos) {
        out.millicpus =
            Millicpus(quota, Number<std::int64_t>(std::string_view(*max).substr(space + 1)));
      }
    }
  } else {
    out.memory_bytes = ReadLimit(memory + "/memory.limit_in_bytes");
    const auto with_swap = ReadLimit(memory + "/memory.memsw.limit_in_bytes");
    if (with_swap && out.memory_bytes) out.swap_bytes = *with_swap - *out.memory_bytes;
    out.millicpus =
        Millicpus(ReadLimit(cpu + "/cpu.cfs_quota_us"), ReadLimit(cpu + "/cpu.cfs_period_us"));
  }
  return out;
}

bool RunCgroup::Exists() const {
  for (const std::string& root : host_->Roots()) {
    if (::access((root + path_).c_str(), F_OK) == 0) return true;
  }
  return false;
}

std::vector<int> RunCgroup::Pids() const {
  std::set<int> pids;
  for (const std::string& root : host_->Roots()) {
    std::error_code error;
    std::vector<std::string> dirs = {root + path_};
    for (auto it = std::filesystem::recursive_directory_iterator(root + path_, error);
         !error && it != std::filesystem::end(it); it.increment(error)) {
      if (it->is_directory(error)) dirs.push_back(it->path());
    }
    for (const std::string& dir : dirs) {
      std::istringstream lines(Read(dir + "/cgroup.procs").value_or(""));
      for (int pid = 0; lines >> pid;) pids.insert(pid);
    }
  }
  return {pids.begin(), pids.end()};
}

bool RunCgroup::Contains(int pid) const {
  const auto procs = Read(host_->Dir("memory", path_) + "/cgroup.procs");
  if (!procs) return false;
  std::istringstream lines(*procs);
  for (int member = 0; lines >> member;) {
    if (member == pid) return true;
  }
  return false;
}

absl::Status RunCgroup::Destroy(std::chrono::milliseconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const std::vector<int> pids = Pids();
    if (pids.empty()) break;
    // A killed process can have forked between the listing and its death: look again until none is
    // left.
    for (int pid : pids) {
      auto pidfd = base::PidfdOpen(pid);
      if (!pidfd.ok()) continue;
      base::PidfdKill(pidfd.value().get(), SIGKILL);
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        return Error(absl::StatusCode::kDeadlineExceeded,
                     "cgroup {}: process {} did not die within {} ms of SIGKILL", path_, pid,
                     timeout.count());
      }
      pollfd poll{pidfd.value().get(), POLLIN, 0};
      ::poll(&poll, 1, static_cast<int>(left.count()));
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error(absl::StatusCode::kDeadlineExceeded, "cgroup {}: not empty after {} ms", path_,
                   timeout.count());
    }
  }
  for (const std::string& root : host_->Roots()) {
    std::error_code error;
    std::vector<std::string> dirs;
    for (auto it = std::filesystem::recursive_directory_iterator(root + path_, error);
         !error && it != std::filesystem::end(it); it.increment(error)) {
      if (it->is_directory(error)) dirs.push_back(it->path());
    }
    dirs.insert(dirs.begin(), root + path_);
    // Children come after their parents in the walk.
    for (auto dir = dirs.rbegin(); dir != dirs.rend(); ++dir) {
      if (::rmdir(dir->c_str()) != 0 && errno != ENOENT) {
        return ErrnoStatus(errno, fmt::format("rmdir {}", *dir));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace vortex::sandbox
