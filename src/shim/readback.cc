// SPDX-License-Identifier: Apache-2.0
#include "shim/readback.h"

#include <sys/stat.h>

#include <bit>
#include <cstdlib>
#include <limits>

#include "shim/egress_network.h"
#include "shim/files.h"
#include "shim/log.h"

namespace vortex::shim {
namespace {

// The kernel rounds memory limits down to whole pages, of up to 64 KiB.
constexpr std::int64_t kPageSlack = 64 << 10;

constexpr std::chrono::milliseconds kLongestSeccompDelay{160};

// Collects readings and remembers the first control that is missing.
class Checker {
 public:
  explicit Checker(Container* container) : container_(container) {}

  // `effective` must be in (requested - slack, requested].
  void Limit(const char* name, std::int64_t requested, std::optional<std::uint64_t> effective,
             std::int64_t slack) {
    ControlReading reading{name, requested, 0, "not readable"};
    bool good = false;
    if (effective) {
      constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      reading.effective = static_cast<std::int64_t>(std::min(*effective, kMax));
      reading.readback = std::to_string(*effective);
      good = reading.effective <= requested && reading.effective >= requested - slack;
    }
    Add(std::move(reading), good);
  }

  void Switch(const char* name, bool good, std::string readback) {
    Add({name, 1, good ? 1 : 0, std::move(readback)}, good);
  }

  void Unseen(const char* name, const char* why) {
    container_->controls.push_back({name, 1, 0, why});
  }

  Status Result() const { return missing_; }

 private:
  void Add(ControlReading reading, bool good) {
    if (!good && missing_.ok()) {
      missing_ = FailedPrecondition("sandbox_unavailable: control " + reading.name +
                                    ": asked for " + std::to_string(reading.requested) +
                                    ", in force is " + reading.readback);
    }
    container_->controls.push_back(std::move(reading));
  }

  Container* container_;
  Status missing_;
};

void CheckCgroup(const Container& container, Checker* checker) {
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

void CheckProcessStatus(const Container& container, const std::string& proc, Checker* checker) {
  const std::string status = ReadFile(proc + "/status", 1 << 20).value_or("");
  if (container.config.no_new_privileges) {
    const std::string value = StatusField(status, "NoNewPrivs");
    checker->Switch("no_new_privileges", value == "1", value);
  }
  const std::string bounding = StatusField(status, "CapBnd");
  const std::uint64_t set = std::strtoull(bounding.c_str(), nullptr, 16);
  // By number: a set that is larger than asked for has something that was not granted.
  const bool within = !bounding.empty() && static_cast<std::size_t>(std::popcount(set)) <=
                                               container.config.bounding_capabilities.size();
  checker->Switch("capabilities", within, bounding);
}

bool HasWord(std::string_view list, std::string_view word) {
  for (const std::string_view part : Split(list, ',')) {
    if (part == word) return true;
  }
  return false;
}

void CheckMounts(const Container& container, const std::string& proc, Checker* checker) {
  const std::string text = ReadFile(proc + "/mountinfo", 4 << 20).value_or("");
  // Later mounts hide earlier ones at the same point.
  std::map<std::string, std::string, std::less<>> options;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto fields = Split(NextLine(&rest), ' ');
    if (fields.size() > 6) options[std::string(fields[4])] = fields[5];
  }
  const auto check = [&](const std::string& point, std::string_view flag) {
    const auto it = options.find(point);
    if (it != options.end() && HasWord(it->second, flag)) return true;
    checker->Switch(
        ("mount " + point).c_str(), false,
        it == options.end() ? "not mounted" : "without " + std::string(flag) + ": " + it->second);
    return false;
  };
  bool good = true;
  if (container.config.readonly_root) good = check("/", "ro");
  for (const OciMount& mount : container.config.mounts) {
    for (const char* flag : {"ro", "nosuid", "nodev", "noexec"}) {
      for (const std::string& option : mount.options) {
        if (option == flag) good = check(mount.destination, flag) && good;
      }
    }
  }
  if (good) checker->Switch("mount flags", true, std::to_string(options.size()) + " mounts");
}

// Links that the kernel itself puts, down, into every network namespace when their drivers are
// built in.
bool IsTunnelTemplate(std::string_view name) {
  for (const std::string_view known : {"tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0",
                                       "ip_vti0", "ip6_vti0", "ip6gre0", "teql0"}) {
    if (name == known) return true;
  }
  return false;
}

void CheckNetwork(const Container& container, const std::string& proc, Checker* checker) {
  const OciConfig& config = container.config;
  const bool linked = HasEgressLink(config);
  if (!config.own_network_namespace || (!config.network_path.empty() && !linked)) return;
  std::string names;
  bool only_loopback = true;
  for (const std::string& name : LinkNames(ReadFile(proc + "/net/dev", 1 << 20).value_or(""))) {
    if (name != "lo" && !IsTunnelTemplate(name)) only_loopback = false;
    if (!names.empty()) names += ' ';
    names += name;
  }
  if (linked && !InNamespace(proc, config.network_path)) {
    only_loopback = false;
    names += ", of another namespace than the one with the proxy";
  }
  checker->Switch("network", only_loopback && !names.empty(), names);
}

// The program that a process runs; none when it has ended.
std::optional<FileId> ProgramOf(pid_t pid) {
  struct stat info {};
  if (::stat(("/proc/" + std::to_string(pid) + "/exe").c_str(), &info) != 0) return std::nullopt;
  return FileId{info.st_dev, info.st_ino};
}

}  // namespace

std::string StatusField(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = NextLine(&text);
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ':') {
      return std::string(Trim(line.substr(key.size() + 1)));
    }
  }
  return "";
}

std::vector<std::string> LinkNames(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::string_view line = NextLine(&text);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && line.find('|') == std::string_view::npos) {
      names.emplace_back(Trim(line.substr(0, colon)));
    }
  }
  return names;
}

Status CheckInForce(Container* container) {
  if (!container->config.OurJob()) return Ok();
  container->controls.clear();
  Checker checker(container);
  CheckCgroup(*container, &checker);
  if (!container->cli->driver().host_init) {
    // With a link the sentry's namespace is what the job's sockets are in.
    const bool linked = HasEgressLink(container->config);
    if (linked) CheckNetwork(*container, "/proc/" + std::to_string(container->init->pid), &checker);
    for (const char* name :
         {"no_new_privileges", "capabilities", "mount flags", "network", "seccomp"}) {
      if (linked && std::string_view(name) == "network") continue;
      checker.Unseen(name, "kept by the sandbox's own kernel, which the host cannot look into");
    }
    return checker.Result();
  }
  const std::string proc = "/proc/" + std::to_string(container->init->pid);
  container->runtime_program = ProgramOf(container->init->pid);
  CheckProcessStatus(*container, proc, &checker);
  CheckMounts(*container, proc, &checker);
  CheckNetwork(*container, proc, &checker);
  return checker.Result();
}

namespace {

void CheckSeccompIn(base::EventLoop* loop, const std::shared_ptr<Container>& container,
                    std::chrono::milliseconds delay) {
  container->seccomp_check =
      loop->After(delay, [loop, delay, weak = std::weak_ptr<Container>(container)] {
        const auto alive = weak.lock();
        if (!alive || alive->init_exited) return;
        const auto program = ProgramOf(alive->init->pid);
        if (!program) return;
        if (program == alive->runtime_program) {
          // Still the runtime, which loads the filter just before it executes the job's program.
          return CheckSeccompIn(loop, alive, std::min(delay * 2, kLongestSeccompDelay));
        }
        const auto status =
            ReadFile("/proc/" + std::to_string(alive->init->pid) + "/status", 1 << 20);
        const std::string mode = StatusField(status.value_or(""), "Seccomp");
        if (mode.empty()) return;  // it ended just now
        const bool filtered = mode == "2";
        alive->controls.push_back({"seccomp", 1, filtered ? 1 : 0, "Seccomp: " + mode});
        if (filtered) return;
        alive->missing_control =
            "sandbox_unavailable: control seccomp: asked for a filter, in force is mode " + mode;
        Log(Level::kError, {"container ", alive->id, ": ", alive->missing_control});
        alive->KillAll();
      });
}

}  // namespace

void CheckSeccompSoon(base::EventLoop* loop, const std::shared_ptr<Container>& container) {
  if (!container->config.OurJob() || !container->config.has_seccomp ||
      !container->cli->driver().host_init)
    return;
  CheckSeccompIn(loop, container, std::chrono::milliseconds(5));
}

}  // namespace vortex::shim
