// SPDX-License-Identifier: Apache-2.0
#include "oci/grant_check.h"

#include <array>
#include <set>
#include <string>
#include <utility>

#include "base/status.h"
#include "oci/capability_names.h"
#include "oci/cdi_edits.h"
#include "oci/field_check.h"

namespace vortex::oci {
namespace {

// The root is a read-only view that all runs share: nothing can be made in it to mount on.
constexpr std::string_view kMountParent = "/mnt/";

// Each of these is the node: its processes, its kernel's knobs, its devices, and containerd's
// sockets, which are root.
constexpr std::array<std::string_view, 5> kNodePaths = {"/dev", "/proc", "/run/containerd", "/sys",
                                                        "/var/run/containerd"};

// Character devices through which a sandbox would own the node, whatever else is forbidden:
// /dev/mem, /dev/kmem, /dev/port, /dev/kmsg.
//   Source  Documentation/admin-guide/devices.txt
constexpr std::array<std::pair<std::int64_t, std::int64_t>, 4> kNodeDevices = {
    {{1, 1}, {1, 2}, {1, 4}, {1, 11}}};

absl::Status CheckOnce(std::string_view field, const std::string& name,
                       std::set<std::string>& seen) {
  if (!seen.insert(name).second) return InvalidArgument("{}: \"{}\" is there twice", field, name);
  return absl::OkStatus();
}

absl::Status CheckCapabilities(const JobConfig& job) {
  std::set<std::string> seen;
  for (const std::string& name : *job.capabilities) {
    VX_RETURN_IF_ERROR(CheckText("capabilities", name));
    if (!IsCapabilityName(name)) {
      return InvalidArgument(
          "capabilities: \"{}\" is not a Linux capability; for example CAP_NET_BIND_SERVICE", name);
    }
    VX_RETURN_IF_ERROR(CheckOnce("capabilities", name, seen));
  }
  return absl::OkStatus();
}

absl::Status CheckMounts(const JobConfig& job) {
  std::set<std::string> seen;
  for (const MountGrant& mount : *job.mounts) {
    VX_RETURN_IF_ERROR(CheckMountSource("mounts.source", mount.source));
    VX_RETURN_IF_ERROR(CheckPath("mounts.destination", mount.destination));
    if (!mount.destination.starts_with(kMountParent)) {
      return InvalidArgument(
          "mounts.destination: \"{}\" is not below /mnt, the place for granted directories; for "
          "example /mnt/models",
          mount.destination);
    }
    if (IsWithin(mount.destination, kCdiMountRoot) != mount.driver ||
        (mount.executable && !mount.driver)) {
      return InvalidArgument("mounts.destination: \"{}\": {} is for the files of granted devices",
                             mount.destination, kCdiMountRoot);
    }
    VX_RETURN_IF_ERROR(CheckOnce("mounts.destination", mount.destination, seen));
  }
  return absl::OkStatus();
}

absl::Status CheckDevices(const JobConfig& job) {
  std::set<std::string> seen;
  for (const DeviceGrant& device : *job.devices) {
    VX_RETURN_IF_ERROR(CheckDevice(device));
    VX_RETURN_IF_ERROR(CheckOnce("devices.path", device.path, seen));
  }
  return absl::OkStatus();
}

absl::Status CheckAnnotations(const JobConfig& job) {
  constexpr std::string_view kKeyCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.-/";
  for (const auto& [key, value] : job.annotations) {
    VX_RETURN_IF_ERROR(CheckText("annotations", key));
    // Others steer runtimes: dev.gvisor.flag.*, io.katacontainers.*, run.oci.*.
    if (!key.starts_with("io.vortex.") ||
        key.find_first_not_of(kKeyCharacters) != std::string::npos) {
      return InvalidArgument(
          "annotations: \"{}\" is not io.vortex. and then a-z, 0-9, \".\", \"-\" and \"/\"", key);
    }
    if (key == "io.vortex.run-id" || key == "io.vortex.plugin-id" ||
        key == "io.vortex.runtime-class") {
      return InvalidArgument("annotations: \"{}\" is set from the job and cannot be given", key);
    }
    VX_RETURN_IF_ERROR(CheckText("annotations." + key, value));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckDevice(const DeviceGrant& device) {
  VX_RETURN_IF_ERROR(CheckPath("devices.path", device.path));
  if (!device.path.starts_with("/dev/")) {
    return InvalidArgument("devices.path: \"{}\" is not below /dev", device.path);
  }
  if (!device.host_path.empty())
    VX_RETURN_IF_ERROR(CheckPath("devices.host_path", device.host_path));
  if (device.type != "c" && device.type != "b") {
    return InvalidArgument("devices.type: \"{}\" of {} is not c or b", device.type, device.path);
  }
  // A wildcard would open every device of a driver, for example all GPU slices.
  if (device.major < 0 || device.minor < 0) {
    return InvalidArgument("devices: {} has the number {}:{}; both must be given", device.path,
                           device.major, device.minor);
  }
  for (const auto& [major, minor] : kNodeDevices) {
    if (device.type == "c" && device.major == major && device.minor == minor) {
      return InvalidArgument(
          "devices: {} ({}:{}) is the node's own memory or kernel log and is never granted",
          device.path, major, minor);
    }
  }
  if (device.access.empty() || device.access.find_first_not_of("rwm") != std::string::npos) {
    return InvalidArgument("devices.access: \"{}\" of {} is not made of r, w and m", device.access,
                           device.path);
  }
  if (device.file_mode > 0777) {
    return InvalidArgument("devices.file_mode: 0{:o} of {} is past 0777", device.file_mode,
                           device.path);
  }
  return absl::OkStatus();
}

absl::Status CheckMountSource(std::string_view field, std::string_view path) {
  VX_RETURN_IF_ERROR(CheckPath(field, path));
  for (std::string_view node : kNodePaths) {
    if (IsWithin(path, node) || IsWithin(node, path)) {
      return InvalidArgument("{}: \"{}\" would show {} of the node to the plugin", field, path,
                             node);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckGrants(const JobConfig& job) {
  VX_RETURN_IF_ERROR(CheckCapabilities(job));
  VX_RETURN_IF_ERROR(CheckMounts(job));
  VX_RETURN_IF_ERROR(CheckDevices(job));
  return CheckAnnotations(job);
}

}  // namespace vortex::oci
