// SPDX-License-Identifier: Apache-2.0
// The hardened defaults. docs/reviewer/oci-spec.md says of every field which attack it stops.
#include <algorithm>

#include "base/status.h"
#include "oci/job.h"
#include "oci/job_check.h"
#include "oci/seccomp_profile.h"

namespace vortex::oci {
namespace {

constexpr std::uint64_t kCpuPeriodUs = 100'000;

// runsc's sentry and gofer live in the job's cgroup: the floor and the price of a guest process, in host tasks and
// bytes (measured; docs/adr/0005-lowering.md).
constexpr std::int64_t kSentryTasks = 512;
constexpr std::int64_t kSentryTasksPerProcess = 6;
constexpr std::int64_t kSentryMemory = 32 << 20;

bool IsNamespaceRuntime(const JobConfig& job) {
  return job.runtime_class == RuntimeClass::kRunc || job.runtime_class == RuntimeClass::kCrun;
}

Process MakeProcess(const JobConfig& job) {
  Process process;
  process.uid = kDefaultUid;
  process.gid = kDefaultUid;
  process.umask = 022;
  process.args = job.args;
  process.env = job.env;
  process.cwd = "/plugin";
  process.capabilities.bounding = job.capabilities;
  process.capabilities.effective = job.capabilities;
  process.capabilities.permitted = job.capabilities;
  // A non-root process keeps a capability over execve only if it is ambient as well, and that needs inheritable.
  process.capabilities.inheritable = job.capabilities;
  process.capabilities.ambient = job.capabilities;
  process.no_new_privileges = true;
  // Raising is always allowed. When the node itself runs out of memory, sandboxes go first.
  process.oom_score_adj = 500;
  const auto limit = [&](const char* type, std::int64_t value) {
    process.rlimits.push_back({type, static_cast<std::uint64_t>(value), static_cast<std::uint64_t>(value)});
  };
  limit("RLIMIT_CORE", 0);
  limit("RLIMIT_FSIZE", job.limits.fsize_bytes);
  limit("RLIMIT_MEMLOCK", 64 << 10);
  limit("RLIMIT_NOFILE", job.limits.nofile);
  // Where no pids cgroup counts the plugin's processes, the kernel inside (sentry or guest) does.
  if (!IsNamespaceRuntime(job)) limit("RLIMIT_NPROC", job.limits.pids);
  return process;
}

std::vector<Mount> MakeMounts(const JobConfig& job) {
  std::vector<Mount> mounts = {
      {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
      // Holds the few device nodes that the runtime makes; nobody but root may write into it.
      {"/dev", "tmpfs", "tmpfs", {"nosuid", "noexec", "strictatime", "mode=755", "size=65536"}},
      {"/dev/shm", "tmpfs", "tmpfs",
       {"nosuid", "noexec", "nodev", "mode=1777", "size=" + std::to_string(job.limits.tmp_bytes)}},
      {"/tmp", "tmpfs", "tmpfs",
       {"nosuid", "noexec", "nodev", "mode=1777", "size=" + std::to_string(job.limits.tmp_bytes)}},
      // Not noexec: a native plugin is executed from here.
      {"/plugin", "bind", job.bundle_dir, {"bind", "ro", "nosuid", "nodev", "rprivate"}}};
  for (const MountGrant& grant : job.mounts) {
    mounts.push_back({grant.destination, "bind", grant.source,
                      {"bind", grant.read_only ? "ro" : "rw", "nosuid", "nodev", "noexec", "rprivate"}});
  }
  return mounts;
}

std::vector<Namespace> MakeNamespaces(const JobConfig& job) {
  return {{"cgroup", ""}, {"ipc", ""},  {"mount", ""}, {"network", job.network_namespace_path},
          {"pid", ""},    {"user", ""}, {"uts", ""}};
}

Resources MakeResources(const JobConfig& job) {
  Resources resources;
  resources.devices.push_back({false, "", {}, {}, "rwm"});
  for (const DeviceGrant& grant : job.devices) {
    resources.devices.push_back({true, grant.type, grant.major, grant.minor, grant.access});
  }
  const bool gvisor = job.runtime_class == RuntimeClass::kGvisor;
  resources.memory_limit = job.limits.memory_bytes + (gvisor ? kSentryMemory : 0);
  // Memory and swap together: equal to the limit means no swap, where a limit would only slow things down.
  resources.memory_swap = resources.memory_limit;
  resources.cpu_period = kCpuPeriodUs;
  resources.cpu_quota = static_cast<std::uint64_t>(job.limits.millicpus) * kCpuPeriodUs / 1000;
  if (gvisor) {
    resources.pids_limit = std::max(kSentryTasks, kSentryTasksPerProcess * job.limits.pids + 64);
  } else if (IsNamespaceRuntime(job)) {
    resources.pids_limit = job.limits.pids;
  }
  // The whole sandbox dies of an OOM kill, not one process of it that the rest then waits for.
  if (job.cgroup_v2) resources.unified["memory.oom.group"] = "1";
  return resources;
}

std::vector<Device> MakeDevices(const JobConfig& job) {
  std::vector<Device> devices;
  for (const DeviceGrant& grant : job.devices) {
    devices.push_back({grant.path, grant.type, grant.major, grant.minor, grant.file_mode, kDefaultUid, kDefaultUid});
  }
  return devices;
}

std::map<std::string, std::string> MakeAnnotations(const JobConfig& job) {
  std::map<std::string, std::string> annotations = job.annotations;
  annotations["io.vortex.run-id"] = job.run_id;
  annotations["io.vortex.plugin-id"] = job.plugin_id;
  annotations["io.vortex.runtime-class"] = std::string(Name(job.runtime_class));
  // gVisor's own shim hangs on a container that is neither marked a sandbox nor has a terminal.
  if (job.runtime_class == RuntimeClass::kGvisor) annotations["io.kubernetes.cri.container-type"] = "sandbox";
  return annotations;
}

}  // namespace

absl::StatusOr<Spec> BuildSpec(const JobConfig& job) {
  VX_RETURN_IF_ERROR(CheckJob(job));
  VX_RETURN_IF_ERROR(CheckClassHonours(job));
  Spec spec;
  spec.process = MakeProcess(job);
  spec.root_path = "rootfs";
  spec.root_readonly = true;
  spec.hostname = "vortex";
  spec.mounts = MakeMounts(job);
  spec.annotations = MakeAnnotations(job);
  spec.namespaces = MakeNamespaces(job);
  spec.uid_mappings = {{0, job.ids.host_start, job.ids.size}};
  spec.gid_mappings = {{0, job.ids.host_start, job.ids.size}};
  spec.devices = MakeDevices(job);
  spec.resources = MakeResources(job);
  spec.cgroups_path = job.cgroups_path;
  spec.rootfs_propagation = "private";
  // The sentry's /proc is its own, and Kata's is the guest's: masking belongs to the namespace runtimes. So does
  // seccomp: runsc ignores it and filters itself, Kata drops it unless its guest is built for it.
  if (IsNamespaceRuntime(job)) {
    spec.masked_paths = {"/proc/acpi",         "/proc/asound",     "/proc/bus",         "/proc/cgroups",
                         "/proc/config.gz",    "/proc/driver",     "/proc/fs",          "/proc/interrupts",
                         "/proc/iomem",        "/proc/ioports",    "/proc/kallsyms",    "/proc/kcore",
                         "/proc/key-users",    "/proc/keys",       "/proc/kmsg",        "/proc/kpagecgroup",
                         "/proc/kpagecount",   "/proc/kpageflags", "/proc/latency_stats", "/proc/modules",
                         "/proc/pressure",     "/proc/sched_debug", "/proc/scsi",       "/proc/slabinfo",
                         "/proc/sysrq-trigger", "/proc/timer_list", "/proc/timer_stats", "/proc/vmallocinfo"};
    spec.readonly_paths = {"/proc/irq", "/proc/sys"};
    spec.seccomp = HarnessSeccomp(job.arch, !job.devices.empty());
  }
  return spec;
}

}  // namespace vortex::oci
