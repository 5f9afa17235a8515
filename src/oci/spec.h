// SPDX-License-Identifier: Apache-2.0
// A typed model of the OCI runtime spec: the part that we generate. Field names are the spec's, in
// our spelling.
//   Source  runtime-spec 1.0.2, config.md and config-linux.md
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vortex::oci {

struct Rlimit {
  std::string type;  // "RLIMIT_NOFILE"
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

// All five sets; an empty one means that nothing is in it.
struct Capabilities {
  std::vector<std::string> bounding, effective, inheritable, permitted, ambient;
};

struct Process {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t umask = 0;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  Capabilities capabilities;
  std::vector<Rlimit> rlimits;
  bool no_new_privileges = true;
  int oom_score_adj = 0;
};

struct Mount {
  std::string destination;
  std::string type;
  std::string source;
  std::vector<std::string> options;
};

struct Namespace {
  std::string type;  // "pid"
  std::string path;  // empty: a new one
  bool operator==(const Namespace&) const = default;
};

struct IdMapping {
  std::uint32_t container_id = 0;
  std::uint32_t host_id = 0;
  std::uint32_t size = 0;
};

struct Device {
  std::string path;
  std::string type;  // "c"
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::uint32_t file_mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct DeviceRule {
  bool allow = false;
  std::string type;  // empty: all
  std::optional<std::int64_t> major;
  std::optional<std::int64_t> minor;
  std::string access;  // of "rwm"
};

struct Resources {
  std::vector<DeviceRule> devices;
  std::int64_t memory_limit = 0;
  std::optional<std::int64_t> memory_swap;  // memory and swap together
  std::uint64_t cpu_quota = 0;              // µs each period
  std::uint64_t cpu_period = 0;
  std::optional<std::int64_t> pids_limit;
  std::map<std::string, std::string> unified;  // cgroup v2 files
};

struct SeccompArg {
  std::uint32_t index = 0;
  std::uint64_t value = 0;
  std::uint64_t value_two = 0;
  std::string op;  // "SCMP_CMP_EQ"
};

struct SeccompRule {
  std::vector<std::string> names;
  std::string action;
  std::optional<std::uint32_t> errno_ret;
  std::vector<SeccompArg> args;
};

struct Seccomp {
  std::string default_action;
  std::uint32_t default_errno_ret = 0;
  std::vector<std::string> architectures;
  // The unix socket that gets the descriptor of SCMP_ACT_NOTIFY, and words for whoever listens.
  std::string listener_path;
  std::string listener_metadata;
  std::vector<SeccompRule> syscalls;
};

struct Spec {
  std::string oci_version = "1.0.2";
  Process process;
  std::string root_path;
  bool root_readonly = true;
  std::string hostname;
  std::vector<Mount> mounts;
  std::map<std::string, std::string> annotations;
  std::vector<Namespace> namespaces;
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  std::vector<Device> devices;
  Resources resources;
  std::string cgroups_path;
  std::string rootfs_propagation;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::optional<Seccomp> seccomp;
};

}  // namespace vortex::oci
