// SPDX-License-Identifier: Apache-2.0
#include "oci/job_check.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/status.h"
#include "base/utf8.h"
#include "oci/capability_names.h"

namespace vortex::oci {
namespace {

constexpr std::int64_t kMinMemory = 4 << 20;
constexpr std::int64_t kMaxId = 0xfffffffe;

absl::Status CheckText(std::string_view field, const std::string& value) {
  if (value.find('\0') != std::string::npos || !base::IsUtf8(value)) {
    return InvalidArgument("{}: must be UTF-8 text without NUL bytes", field);
  }
  return absl::OkStatus();
}

absl::Status CheckPath(std::string_view field, const std::string& path) {
  VX_RETURN_IF_ERROR(CheckText(field, path));
  const bool dots = (path + "/").find("/../") != std::string::npos || (path + "/").find("/./") != std::string::npos;
  if (!path.starts_with('/') || dots || path.find("//") != std::string::npos) {
    return InvalidArgument("{}: \"{}\" is not an absolute path without \".\", \"..\" and \"//\"", field, path);
  }
  return absl::OkStatus();
}

absl::Status CheckPositive(std::string_view field, std::int64_t value, std::int64_t minimum = 1) {
  if (value < minimum) return InvalidArgument("{}: {} is below the minimum of {}", field, value, minimum);
  return absl::OkStatus();
}

bool IsRunId(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

absl::Status CheckIds(const IdRange& ids) {
  if (ids.host_start == 0) {
    return InvalidArgument("ids.host_start: 0 would map the plugin's user namespace onto the host's root");
  }
  if (ids.size <= kDefaultUid) {
    return InvalidArgument("ids.size: {} has no place for uid {}; use 65536", ids.size, kDefaultUid);
  }
  if (std::int64_t{ids.host_start} + ids.size > kMaxId) {
    return InvalidArgument("ids: {} + {} is past the last id {}", ids.host_start, ids.size, kMaxId);
  }
  return absl::OkStatus();
}

absl::Status CheckLimits(const Limits& limits) {
  VX_RETURN_IF_ERROR(CheckPositive("limits.memory_bytes", limits.memory_bytes, kMinMemory));
  VX_RETURN_IF_ERROR(CheckPositive("limits.millicpus", limits.millicpus, 10));
  VX_RETURN_IF_ERROR(CheckPositive("limits.pids", limits.pids, 2));
  VX_RETURN_IF_ERROR(CheckPositive("limits.tmp_bytes", limits.tmp_bytes));
  VX_RETURN_IF_ERROR(CheckPositive("limits.nofile", limits.nofile, 16));
  return CheckPositive("limits.fsize_bytes", limits.fsize_bytes);
}

absl::Status CheckProcess(const JobConfig& job) {
  if (job.args.empty()) return InvalidArgument("args: empty; name the program to run");
  for (const std::string& arg : job.args) VX_RETURN_IF_ERROR(CheckText("args", arg));
  for (const std::string& entry : job.env) {
    VX_RETURN_IF_ERROR(CheckText("env", entry));
    const std::size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return InvalidArgument("env: \"{}\" is not NAME=VALUE", entry);
    }
  }
  return absl::OkStatus();
}

// Below these the sandbox's own mounts and the plugin live; a grant must not cover them.
constexpr std::array<std::string_view, 7> kOwnMounts = {"/plugin", "/proc", "/sys", "/dev", "/tmp", "/usr", "/lib"};

absl::Status CheckGrants(const JobConfig& job) {
  for (const std::string& name : job.capabilities) {
    if (!IsCapabilityName(name)) {
      return InvalidArgument("capabilities: \"{}\" is not a Linux capability; for example CAP_NET_BIND_SERVICE",
                             name);
    }
  }
  for (const MountGrant& mount : job.mounts) {
    VX_RETURN_IF_ERROR(CheckPath("mounts.source", mount.source));
    VX_RETURN_IF_ERROR(CheckPath("mounts.destination", mount.destination));
    for (std::string_view own : kOwnMounts) {
      if (mount.destination == "/" || (mount.destination + "/").starts_with(std::string(own) + "/")) {
        return InvalidArgument("mounts.destination: \"{}\" would cover {}", mount.destination, own);
      }
    }
  }
  for (const DeviceGrant& device : job.devices) {
    VX_RETURN_IF_ERROR(CheckPath("devices.path", device.path));
    if (!device.path.starts_with("/dev/")) {
      return InvalidArgument("devices.path: \"{}\" is not below /dev", device.path);
    }
    if (device.type != "c" && device.type != "b") {
      return InvalidArgument("devices.type: \"{}\" is not c or b", device.type);
    }
    if (device.access.empty() || device.access.find_first_not_of("rwm") != std::string::npos) {
      return InvalidArgument("devices.access: \"{}\" is not made of r, w and m", device.access);
    }
  }
  for (const auto& [key, value] : job.annotations) {
    VX_RETURN_IF_ERROR(CheckText("annotations", value));
    // Others steer runtimes: dev.gvisor.flag.*, io.katacontainers.*, run.oci.*.
    if (!key.starts_with("io.vortex.")) {
      return InvalidArgument("annotations: \"{}\" does not start with io.vortex.", key);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckJob(const JobConfig& job) {
  if (!IsRunId(job.run_id)) {
    return InvalidArgument("run_id: \"{}\" is not 1 to 64 characters of a-z, 0-9 and -", job.run_id);
  }
  VX_RETURN_IF_ERROR(CheckText("plugin_id", job.plugin_id));
  VX_RETURN_IF_ERROR(CheckProcess(job));
  VX_RETURN_IF_ERROR(CheckPath("bundle_dir", job.bundle_dir));
  VX_RETURN_IF_ERROR(CheckPath("cgroups_path", job.cgroups_path));
  if (!job.network_namespace_path.empty()) {
    VX_RETURN_IF_ERROR(CheckPath("network_namespace_path", job.network_namespace_path));
  }
  if (job.arch != "x86_64" && job.arch != "aarch64") {
    return InvalidArgument("arch: \"{}\" has no seccomp profile; x86_64 and aarch64 have", job.arch);
  }
  VX_RETURN_IF_ERROR(CheckIds(job.ids));
  VX_RETURN_IF_ERROR(CheckLimits(job.limits));
  return CheckGrants(job);
}

absl::Status CheckClassHonours(const JobConfig& job) {
  const auto refuse = [&](std::string_view what, std::string_view why) {
    return Error(absl::StatusCode::kFailedPrecondition, "runtime class {} cannot honour {}: {}",
                 Name(job.runtime_class), what, why);
  };
  if (job.runtime_class == RuntimeClass::kGvisor && !job.devices.empty()) {
    return refuse("devices", "the sentry makes no host device nodes, and applies no device cgroup");
  }
  if (job.runtime_class == RuntimeClass::kKata && !job.devices.empty()) {
    return refuse("devices", "host character devices do not enter the guest");
  }
  return absl::OkStatus();
}

}  // namespace vortex::oci
