// SPDX-License-Identifier: Apache-2.0
// One container's control group: where it is, who is in it, what it counted; cgroup v1, v2 and
// hybrid hosts.
//   Source  kernel Documentation/admin-guide/cgroup-v1/, cgroup-v2.rst; cgroups(7)
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vortex::shim {

class Cgroup {
 public:
  Cgroup() = default;
  // The cgroup that `pid` is in. Taken once, while the process lives; the directories outlast it.
  // `root` is prepended to /proc and /sys paths (tests).
  static Cgroup OfProcess(pid_t pid, const std::string& root = "");

  // v2 only where /sys/fs/cgroup itself is cgroup2; a hybrid host counts as v1.
  bool v2() const { return v2_; }
  bool known() const { return !dirs_.empty(); }
  // Directory of a controller ("memory", "pids", …); under v2 all are one. Empty when it has none.
  std::string Dir(const std::string& controller) const;
  bool Exists() const;

  std::optional<std::string> Read(const std::string& controller, const std::string& file) const;
  std::optional<std::uint64_t> ReadNumber(const std::string& controller,
                                          const std::string& file) const;
  // The number behind `key` in a file of "key value" lines.
  std::optional<std::uint64_t> ReadKey(const std::string& controller, const std::string& file,
                                       std::string_view key) const;

  // Processes in it and below it.
  std::vector<pid_t> Pids() const;
  // SIGKILL to everything inside, again until nobody new appears: setsid and double forks do not
  // escape.
  void KillAll() const;
  // Sends one signal to everything inside.
  void SignalAll(int signal) const;

  // Kills by the kernel for lack of memory, whoever's limit it was.
  std::optional<std::uint64_t> OomKills() const;

 private:
  std::string AnyDir() const;

  bool v2_ = false;
  std::map<std::string, std::string> dirs_;  // controller → directory; v2: "" → directory
};

// "cpu,cpuacct" lines of /proc/<pid>/cgroup, and where the hierarchies are mounted; for tests.
std::map<std::string, std::string> CgroupDirs(std::string_view proc_cgroup,
                                              std::string_view mountinfo, bool v2);

}  // namespace vortex::shim
