// SPDX-License-Identifier: Apache-2.0
// The class-neutral description of one job, and the pure function from it to an OCI runtime spec.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "oci/runtime_class.h"
#include "oci/spec.h"
#include "oci/weakens_isolation.h"

namespace vortex::oci {

// uid and gid of the plugin inside its user namespace; "nonroot" by the custom of distroless
// images.
inline constexpr std::uint32_t kDefaultUid = 65532;

// Ids of the user namespace: container ids 0 to size - 1 are host ids from host_start on.
struct IdRange {
  std::uint32_t host_start = 0;
  std::uint32_t size = 0;
};

// Effective limits; all must be positive.
struct Limits {
  std::int64_t memory_bytes = 0;  // swap is none
  std::int64_t millicpus = 0;     // thousandths of a cpu
  std::int64_t pids = 0;          // processes and threads
  std::int64_t tmp_bytes = 0;     // size of /tmp, charged to memory
  std::int64_t nofile = 0;
  std::int64_t fsize_bytes = 0;  // largest file
};

// A device node of the host that the grant names.
struct DeviceGrant {
  std::string path;       // inside
  std::string host_path;  // of the node; empty: the same as inside
  std::string type = "c";
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::string access = "rw";
  std::uint32_t file_mode = 0666;
};

// A directory of the host that the grant names.
struct MountGrant {
  std::string source;
  std::string destination;
  bool read_only = true;
  // Of a granted device (cdi_edits.h), below /mnt/cdi; only such a file may be mapped as code.
  bool driver = false;
  bool executable = false;
};

// What an observer outside of the sandbox is told about (docs/user/denials.md); seccomp runtimes
// only. Without a listener nothing is.
struct SeccompWatch {
  bool network = false;
  bool filesystem = false;
  std::string listener_path;      // a listening unix socket of the host
  std::string listener_metadata;  // handed to it together with the descriptor
};

struct JobConfig {
  std::string run_id;  // [a-z0-9-]{1,64}
  std::string plugin_id;
  RuntimeClass runtime_class = RuntimeClass::kRunc;
  std::vector<std::string> args;
  std::vector<std::string> env;  // NAME=VALUE
  std::string bundle_dir;        // host path, mounted read-only at /plugin
  IdRange ids;
  std::string cgroups_path;     // absolute, below the hierarchy's root
  bool cgroup_v2 = false;       // a fact of the node
  std::string arch = "x86_64";  // or "aarch64"
  Limits limits;
  // What opens the sandbox; each needs the mark.
  Weakening<std::string> network_namespace_path;     // empty: a new one with nothing but lo
  Weakening<std::vector<std::string>> capabilities;  // "CAP_NET_BIND_SERVICE"
  Weakening<std::vector<DeviceGrant>> devices;
  Weakening<std::vector<MountGrant>> mounts;
  SeccompWatch watch;
  std::map<std::string, std::string> annotations;  // only io.vortex.*
};

// The hardened spec for this job. Pure: no I/O, no clock.
//   InvalidArgument     names the field, its value and what would be right
//   FailedPrecondition  the runtime class cannot honour something that was granted; names both
// docs/reviewer/oci-spec.md explains every field and the attack it stops.
absl::StatusOr<Spec> BuildSpec(const JobConfig& job);

}  // namespace vortex::oci
