// SPDX-License-Identifier: Apache-2.0
#include "oci/job_check.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/status.h"
#include "oci/field_check.h"
#include "oci/grant_check.h"

namespace vortex::oci {
namespace {

constexpr std::int64_t kMinMemory = 4 << 20;
// Far above any node, and small enough for sums, products and JSON numbers to stay exact.
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 50;
constexpr std::int64_t kMaxMillicpus = 4'096'000;
constexpr std::int64_t kMaxPids = 4'194'304;    // PID_MAX_LIMIT, proc(5)
constexpr std::int64_t kMaxNofile = 1'048'576;  // fs.nr_open's default; above it setrlimit(2) fails
// The kernel's shortest quota is 1 ms of each 100 ms.
constexpr std::int64_t kMinMillicpus = 10;
constexpr std::int64_t kMaxId = 0xfffffffe;
// Below are the node's own users, and nobody (65534).
constexpr std::uint32_t kFirstFreeId = 65536;

absl::Status CheckRange(std::string_view field, std::int64_t value, std::int64_t minimum,
                        std::int64_t maximum) {
  if (value < minimum)
    return InvalidArgument("{}: {} is below the minimum of {}", field, value, minimum);
  if (value > maximum)
    return InvalidArgument("{}: {} is above the maximum of {}", field, value, maximum);
  return absl::OkStatus();
}

bool IsRunId(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

absl::Status CheckNames(const JobConfig& job) {
  if (!IsRunId(job.run_id)) {
    VX_RETURN_IF_ERROR(CheckText("run_id", job.run_id));
    return InvalidArgument("run_id: \"{}\" is not 1 to 64 characters of a-z, 0-9 and -",
                           job.run_id);
  }
  VX_RETURN_IF_ERROR(CheckText("plugin_id", job.plugin_id));
  if (job.plugin_id.empty()) return InvalidArgument("plugin_id: empty; name the plugin");
  return absl::OkStatus();
}

absl::Status CheckIds(const IdRange& ids) {
  if (ids.host_start < kFirstFreeId) {
    return InvalidArgument(
        "ids.host_start: {} would make the plugin one of the node's own users; use {} or more",
        ids.host_start, kFirstFreeId);
  }
  if (ids.size <= kDefaultUid) {
    return InvalidArgument("ids.size: {} has no place for uid {}; use 65536", ids.size,
                           kDefaultUid);
  }
  if (std::int64_t{ids.host_start} + ids.size - 1 > kMaxId) {
    return InvalidArgument("ids: {} + {} is past the last id {}", ids.host_start, ids.size, kMaxId);
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const Limits& limits) {
  VX_RETURN_IF_ERROR(CheckRange("limits.memory_bytes", limits.memory_bytes, kMinMemory, kMaxBytes));
  VX_RETURN_IF_ERROR(
      CheckRange("limits.millicpus", limits.millicpus, kMinMillicpus, kMaxMillicpus));
  VX_RETURN_IF_ERROR(CheckRange("limits.pids", limits.pids, 2, kMaxPids));
  VX_RETURN_IF_ERROR(CheckRange("limits.tmp_bytes", limits.tmp_bytes, 1, kMaxBytes));
  VX_RETURN_IF_ERROR(CheckRange("limits.nofile", limits.nofile, 16, kMaxNofile));
  return CheckRange("limits.fsize_bytes", limits.fsize_bytes, 1, kMaxBytes);
}

absl::Status CheckProcess(const JobConfig& job) {
  if (job.args.empty() || job.args.front().empty())
    return InvalidArgument("args: empty; name the program to run");
  // Relative, it would depend on the working directory and on PATH inside.
  if (job.args.front().front() != '/')
    return InvalidArgument("args[0]: \"{}\" is not an absolute path", job.args.front());
  for (const std::string& arg : job.args) VX_RETURN_IF_ERROR(CheckText("args", arg));
  std::set<std::string> names;
  for (const std::string& entry : job.env) {
    VX_RETURN_IF_ERROR(CheckText("env", entry));
    const std::size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return InvalidArgument("env: \"{}\" is not NAME=VALUE", entry);
    }
    // Which of two wins depends on who reads them.
    if (!names.insert(entry.substr(0, equals)).second) {
      return InvalidArgument("env: \"{}\" is there twice", entry.substr(0, equals));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckNetworkNamespace(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  VX_RETURN_IF_ERROR(CheckPath("network_namespace_path", path));
  if (IsWithin(path, "/proc")) {
    return InvalidArgument(
        "network_namespace_path: \"{}\" is some process's, perhaps the node's own; pin one below "
        "/run/netns",
        path);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckJob(const JobConfig& job) {
  VX_RETURN_IF_ERROR(CheckNames(job));
  VX_RETURN_IF_ERROR(CheckProcess(job));
  VX_RETURN_IF_ERROR(CheckMountSource("bundle_dir", job.bundle_dir));
  VX_RETURN_IF_ERROR(CheckPath("cgroups_path", job.cgroups_path));
  VX_RETURN_IF_ERROR(CheckNetworkNamespace(*job.network_namespace_path));
  if (job.arch != "x86_64" && job.arch != "aarch64") {
    return InvalidArgument("arch: \"{}\" has no seccomp profile; x86_64 and aarch64 have",
                           job.arch);
  }
  if (!job.watch.listener_path.empty()) {
    VX_RETURN_IF_ERROR(CheckPath("watch.listener_path", job.watch.listener_path));
    VX_RETURN_IF_ERROR(CheckText("watch.listener_metadata", job.watch.listener_metadata));
  }
  VX_RETURN_IF_ERROR(CheckIds(job.ids));
  VX_RETURN_IF_ERROR(CheckLimits(job.limits));
  return CheckGrants(job);
}

}  // namespace vortex::oci
