// SPDX-License-Identifier: Apache-2.0
// What a granted device brings into a sandbox: the edits of its CDI files, judged against the facts
// of the host, and what is left of them for the job. Pure; reading files and looking at the host is
// the caller's business (sandbox/cdi_registry.h).
//
//   VX_ASSIGN_OR_RETURN(const CdiGrant grant, JudgeCdiEdits(edits));
//   ApplyCdi(grant, job);
//
//   Source  CDI specification 1.0.0, "containerEdits"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "oci/job.h"

namespace vortex::oci {

// Driver files appear below it at their own paths: /mnt/cdi/usr/lib/…; the root is read-only and
// shared, nothing can be made in it to mount on.
inline constexpr char kCdiMountRoot[] = "/mnt/cdi";

// A path of the host, as it was when somebody looked.
struct HostFile {
  std::string problem;  // why it cannot be looked at; empty: the rest is known
  char kind = 0;        // of "c", "b", "p", "s", "l", "d", "-", as ls(1) shows them
  std::string path;     // without symbolic links
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::uint32_t mode = 0;  // permission bits
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string soname;  // of a shared library, DT_SONAME; empty: none
};

struct CdiDeviceNode {
  std::string where;  // "/etc/cdi/x.yaml:9:7: devices[0].containerEdits.deviceNodes[0]"
  std::string path;
  std::string host_path;  // empty: the same
  std::string type;       // empty: as the host's
  std::optional<std::int64_t> major, minor;
  std::optional<std::uint32_t> file_mode, uid, gid;
  std::string permissions;  // of "rwm"; empty: all
  HostFile host;            // of host_path, not followed
};

struct CdiMount {
  std::string where;
  std::string host_path;
  std::string container_path;
  std::string type;  // empty: bind
  std::vector<std::string> options;
  HostFile host;  // of host_path, followed
};

struct CdiEnv {
  std::string where;
  std::string entry;  // NAME=VALUE
};

struct CdiHook {
  std::string where;
  std::string name;  // "createContainer"
  std::string path;
  std::vector<std::string> args;
};

// containerEdits of one device or of a whole file, or several of them in their order.
struct CdiEdits {
  std::vector<CdiEnv> env;
  std::vector<CdiDeviceNode> device_nodes;
  std::vector<CdiMount> mounts;
  std::vector<CdiHook> hooks;
};

// What the job gets.
struct CdiGrant {
  std::vector<DeviceGrant> devices;
  std::vector<MountGrant> mounts;
  std::vector<std::string> env;
  // What was left out, and why that is right: "/etc/cdi/x.yaml:40:5: …hooks[1]: …".
  std::vector<std::string> notes;
};

// FailedPrecondition with file, line, field and value: a node that is no character device, that the
// host does not have, or that the plugin's user could not open; a mount that is not a read-only
// bind mount of a file or directory; a variable that steers the loader or the harness; a hook that
// is not known to be unneeded here. A hook is never run.
absl::StatusOr<CdiGrant> JudgeCdiEdits(const CdiEdits& edits);

// The job with the granted devices in it.
void ApplyCdi(const CdiGrant& grant, JobConfig& job);

}  // namespace vortex::oci
