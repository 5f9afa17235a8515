// SPDX-License-Identifier: Apache-2.0
// Reads what the kernel says about one run's cgroup, under cgroup v1, v2 and the hybrid layout.
//   Source  kernel Documentation/admin-guide/cgroup-v1/*, cgroup-v2.rst
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace vortex::sandbox {

// Counters since the cgroup was made. Absent: this kernel or hierarchy does not count it.
struct CgroupCounters {
  std::optional<std::uint64_t> cpu_usec;
  std::optional<std::uint64_t> memory_peak_bytes;
  std::optional<std::uint64_t> oom_kills;    // kernel kills in this cgroup for its own limit
  std::optional<std::uint64_t> pids_peak;    // v1: Linux 6.8 and newer
  std::optional<std::uint64_t> pids_denied;  // forks refused at the limit
  std::optional<std::uint64_t> throttled_usec;
  std::optional<std::uint64_t> throttled_periods;
};

// What is in force, as the kernel reads it back. Absent: not readable; "max" is INT64_MAX.
struct CgroupLimits {
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::int64_t> swap_bytes;  // beyond memory_bytes
  std::optional<std::int64_t> millicpus;
  std::optional<std::int64_t> pids;
};

// Where this host has its controllers; read once per process.
class CgroupHost {
 public:
  // From the text of /proc/self/mountinfo (proc(5)).
  //   Errors  FailedPrecondition: a controller that sandboxes need (memory, cpu, pids) is not
  //   mounted; named.
  static absl::StatusOr<CgroupHost> Parse(const std::string& mountinfo);
  static absl::StatusOr<CgroupHost> Detect();

  bool v2() const { return v2_; }
  // Directory of `cgroups_path` (absolute, as in the spec) in the hierarchy of that controller.
  // Controllers by their v1 names; under v2 all are the one hierarchy.
  std::string Dir(const std::string& controller, const std::string& cgroups_path) const;
  // The distinct hierarchies, for looking through all of them.
  std::vector<std::string> Roots() const;

 private:
  bool v2_ = false;
  std::map<std::string, std::string> mounts_;  // controller → mount point
};

class RunCgroup {
 public:
  RunCgroup(const CgroupHost& host, std::string cgroups_path)
      : host_(&host), path_(std::move(cgroups_path)) {}

  CgroupCounters ReadCounters() const;
  CgroupLimits ReadLimits() const;
  // Whether that process is in the cgroup, by its memory hierarchy.
  bool Contains(int pid) const;
  // Processes in the cgroup and below, from all hierarchies.
  std::vector<int> Pids() const;
  bool Exists() const;
  // Removes what a dead runtime left: kills every process inside, then removes the directories of
  // every hierarchy. Waits until they are empty or `timeout` is over (DeadlineExceeded, naming a
  // pid).
  absl::Status Destroy(std::chrono::milliseconds timeout) const;

 private:
  const CgroupHost* host_;
  std::string path_;
};

}  // namespace vortex::sandbox
