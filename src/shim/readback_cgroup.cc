// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "base/unique_fd.h"
#include "shim/files.h"
#include "shim/readback_checks.h"

namespace vortex::shim {
namespace {

// The kernel rounds memory limits down to whole pages, of up to 64 KiB.
constexpr std::int64_t kPageSlack = 64 << 10;

// What runc and crun allow every container: making nodes, the pseudo devices, terminals, and (runc
// before 1.2) tun.
constexpr struct {
  char type;
  std::int64_t major, minor;
  std::string_view access;
} kDefaultRules[] = {{'c', -1, -1, "m"}, {'b', -1, -1, "m"},    {'c', 1, 3, "rwm"},
                     {'c', 1, 5, "rwm"}, {'c', 1, 7, "rwm"},    {'c', 1, 8, "rwm"},
                     {'c', 1, 9, "rwm"}, {'c', 5, 0, "rwm"},    {'c', 5, 1, "rwm"},
                     {'c', 5, 2, "rwm"}, {'c', 136, -1, "rwm"}, {'c', 10, 200, "rwm"}};

bool Within(std::string_view access, std::string_view allowed) {
  return access.find_first_not_of(allowed) == std::string_view::npos;
}

// "*" is -1, and what cannot be read matches nothing.
std::int64_t Number(std::string_view text) {
  if (text == "*") return -1;
  const auto value = ParseNumber(text);
  return value ? static_cast<std::int64_t>(*value) : -2;
}

bool Covers(char type, std::int64_t major, std::int64_t minor, char wanted_type,
            std::int64_t wanted_major, std::int64_t wanted_minor) {
  return (type == 'a' || type == wanted_type) && (major == -1 || major == wanted_major) &&
         (minor == -1 || minor == wanted_minor);
}

bool IsAllowed(std::string_view line, const SpecControls& spec) {
  const auto words = Split(line, ' ');
  if (words.size() != 3 || words[0].size() != 1) return false;
  const auto numbers = Split(words[1], ':');
  if (numbers.size() != 2) return false;
  const char type = words[0][0];
  const std::int64_t major = Number(numbers[0]);
  const std::int64_t minor = Number(numbers[1]);
  for (const auto& rule : kDefaultRules) {
    if (Covers(rule.type, rule.major, rule.minor, type, major, minor) &&
        Within(words[2], rule.access))
      return true;
  }
  for (const SpecDeviceRule& rule : spec.device_rules) {
    if (rule.allow && Covers(rule.type, rule.major, rule.minor, type, major, minor) &&
        Within(words[2], rule.access))
      return true;
  }
  return false;
}

bool DeniesAll(const SpecControls& spec) {
  for (const SpecDeviceRule& rule : spec.device_rules) {
    if (!rule.allow && rule.type == 'a' && rule.major == -1 && rule.minor == -1) return true;
  }
  return false;
}

// How many programs decide about devices in this cgroup or above; nothing when the kernel does not
// say.
std::optional<std::uint32_t> DevicePrograms(const std::string& dir) {
  const base::UniqueFd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  bpf_attr attr{};
  attr.query.target_fd = static_cast<std::uint32_t>(fd.get());
  attr.query.attach_type = BPF_CGROUP_DEVICE;
  attr.query.query_flags = BPF_F_QUERY_EFFECTIVE;
  // Without room for ids the kernel still counts (ENOSPC).
  if (::syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof attr) != 0 && errno != ENOSPC)
    return std::nullopt;
  return attr.query.prog_cnt;
}

}  // namespace

void CheckCgroupLimits(const Container& container, ControlChecker* checker) {
  const OciConfig& config = container.config;
  const Cgroup& cgroup = container.cgroup;
  const bool v2 = cgroup.v2();
  if (config.memory_limit.value_or(0) > 0) {
    const std::int64_t limit = *config.memory_limit;
    checker->Limit("memory_bytes", limit,
                   cgroup.ReadNumber("memory", v2 ? "memory.max" : "memory.limit_in_bytes"),
                   kPageSlack);
    if (config.memory_swap.value_or(0) > 0) {
      // The spec and v1 count memory and swap together, v2 swap alone.
      const auto swap =
          cgroup.ReadNumber("memory", v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes");
      checker->Limit("swap_bytes", v2 ? *config.memory_swap - limit : *config.memory_swap, swap,
                     kPageSlack);
    }
  }
  if (config.pids_limit.value_or(0) > 0) {
    checker->Limit("pids", *config.pids_limit, cgroup.ReadNumber("pids", "pids.max"), 0);
  }
  if (config.cpu_quota.value_or(0) > 0) {
    const std::int64_t period = config.cpu_period.value_or(100'000);
    const std::int64_t wanted = *config.cpu_quota * 1000 / std::max<std::int64_t>(period, 1);
    std::optional<std::uint64_t> quota;
    std::optional<std::uint64_t> in_period;
    if (v2) {
      const std::string text = cgroup.Read("cpu", "cpu.max").value_or("");
      const auto words = Split(text, ' ');
      quota = ParseNumber(words[0]);
      if (words.size() > 1) in_period = ParseNumber(words[1]);
    } else {
      const std::string text = cgroup.Read("cpu", "cpu.cfs_quota_us").value_or("");
      // -1 is no limit.
      quota = text.starts_with('-') ? std::numeric_limits<std::uint64_t>::max() : ParseNumber(text);
      in_period = cgroup.ReadNumber("cpu", "cpu.cfs_period_us");
    }
    std::optional<std::uint64_t> millis;
    if (quota && in_period.value_or(0) > 0) {
      millis = *quota > (1ULL << 50) ? std::numeric_limits<std::uint64_t>::max()
                                     : *quota * 1000 / *in_period;
    }
    checker->Limit("millicpus", wanted, millis, 1);
  }
}

std::vector<std::string> ForeignDeviceRules(std::string_view list, const SpecControls& spec) {
  std::vector<std::string> foreign;
  while (!list.empty()) {
    const std::string_view line = Trim(NextLine(&list));
    if (!line.empty() && !IsAllowed(line, spec)) foreign.emplace_back(line);
  }
  return foreign;
}

void CheckDeviceRules(const Cgroup& cgroup, const SpecControls& spec, ControlChecker* checker) {
  if (!DeniesAll(spec)) return;
  const char wanted[] = "a cgroup that denies all devices but those of the spec";
  if (!cgroup.v2()) {
    const auto list = cgroup.Read("devices", "devices.list");
    if (!list) return checker->Missing("devices", wanted, "no cgroup of the devices controller");
    const auto foreign = ForeignDeviceRules(*list, spec);
    if (!foreign.empty()) return checker->Missing("devices", wanted, foreign.front());
    return checker->Good("devices", "only rules of the spec and of the runtime");
  }
  const auto programs = DevicePrograms(cgroup.Dir(""));
  if (!programs) return checker->Unseen("devices", "not readable from outside: no BPF_PROG_QUERY");
  if (*programs == 0) return checker->Missing("devices", wanted, "no device program");
  checker->Good("devices",
                std::to_string(*programs) + " device programs; their rules are not readable");
}

}  // namespace vortex::shim
