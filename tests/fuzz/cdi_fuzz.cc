// SPDX-License-Identifier: Apache-2.0
// A CDI file of any bytes, up to the job's devices. The first byte chooses JSON or YAML.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/status.h"
#include "oci/cdi_edits.h"
#include "policy/text.h"
#include "sandbox/cdi_spec.h"

namespace {

using namespace vortex;

void Require(bool condition) {
  if (!condition) std::abort();
}

// The host as a file would like it: every node and file is there and open to all.
void Furnish(oci::CdiEdits& edits) {
  for (oci::CdiDeviceNode& node : edits.device_nodes) {
    const std::string& path = node.host_path.empty() ? node.path : node.host_path;
    node.host = {.kind = 'c',
                 .path = path,
                 .major = node.major.value_or(195),
                 .minor = node.minor.value_or(0),
                 .mode = node.file_mode.value_or(0666) & 07777,
                 .uid = node.uid.value_or(0),
                 .gid = node.gid.value_or(0)};
  }
  for (oci::CdiMount& mount : edits.mounts)
    mount.host = {.kind = '-', .path = mount.host_path, .mode = 0644, .soname = "libx.so.1"};
}

// What a sandbox relies on, whatever the file says.
void CheckGrant(const oci::CdiGrant& grant) {
  for (const oci::DeviceGrant& device : grant.devices) {
    Require(device.type == "c" && device.path.starts_with("/dev/"));
    Require((device.path + "/").find("/../") == std::string::npos);
    Require(!device.access.empty() && device.access.find('m') == std::string::npos);
    Require(device.major != 1 || (device.minor != 1 && device.minor != 2 && device.minor != 4));
  }
  for (const oci::MountGrant& mount : grant.mounts) {
    Require(mount.read_only && mount.driver && mount.destination.starts_with("/mnt/cdi/"));
    Require((mount.destination + "/").find("/../") == std::string::npos);
    Require(!mount.source.starts_with("/proc/") && !mount.source.starts_with("/dev/"));
  }
  for (const std::string& entry : grant.env) {
    Require(entry.find('\0') == std::string::npos && entry.find('=') != std::string::npos);
    Require(!entry.starts_with("LD_") || entry.starts_with("LD_LIBRARY_PATH=/mnt/cdi/"));
    Require(!entry.starts_with("PYTHON") && !entry.starts_with("VORTEX_"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bool json = text.front() == '{';
  const auto spec = sandbox::ParseCdiSpec(text, json ? "f.json" : "f.yaml");
  if (!spec.ok()) {
    // The message goes to a terminal.
    const std::string_view message = Message(spec.status());
    Require(message.starts_with(json ? "f.json:" : "f.yaml:"));
    Require(!policy::FindBadCharacter(message, "\n\t"));
    return 0;
  }
  Require(!spec->devices.empty());
  for (const sandbox::CdiSpecDevice& device : spec->devices) {
    Require(device.name.find('=') != std::string::npos && !policy::FindBadCharacter(device.name));
    oci::CdiEdits edits = spec->edits;
    const oci::CdiEdits& own = device.edits;
    edits.env.insert(edits.env.end(), own.env.begin(), own.env.end());
    edits.device_nodes.insert(edits.device_nodes.end(), own.device_nodes.begin(),
                              own.device_nodes.end());
    edits.mounts.insert(edits.mounts.end(), own.mounts.begin(), own.mounts.end());
    edits.hooks.insert(edits.hooks.end(), own.hooks.begin(), own.hooks.end());
    Furnish(edits);
    if (const auto grant = oci::JudgeCdiEdits(edits); grant.ok()) CheckGrant(*grant);
  }
  return 0;
}
