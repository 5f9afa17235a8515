// SPDX-License-Identifier: Apache-2.0
// The hardened defaults. docs/reviewer/oci-spec.md says of every field which attack it stops.
#include <algorithm>

#include "base/status.h"
#include "oci/class_support.h"
#include "oci/job.h"
#include "oci/job_check.h"
#include "oci/seccomp_profile.h"

namespace vortex::oci {
namespace {

constexpr std::uint64_t kCpuPeriodUs = 100'000;

// runsc's sentry and gofer live in the job's cgroup: the floor and the price of a guest process, in
// host tasks and bytes (measured; below its floor runsc does not start).
constexpr std::int64_t kSentryTasks = 512;
constexpr std::int64_t kSentryTasksPerProcess = 6;
constexpr std::int64_t kSentryMemory = 32 << 20;

// The order in which the caller lists things that have none must not change the bytes.
std::vector<std::string> Sorted(std::vector<std::string> items) {
  std::sort(items.begin(), items.end());
  return items;
}

template <typename T>
std::vector<T> SortedBy(std::vector<T> items, std::string T::*key) {
  std::sort(items.begin(), items.end(), [key](const T& a, const T& b) { return a.*key < b.*key; });
  return items;
}

Process MakeProcess(const JobConfig& job) {
  Process process;
  process.uid = kDefaultUid;
  process.gid = kDefaultUid;
  process.umask = 022;
  process.args = job.args;
  process.env = Sorted(job.env);
  process.cwd = "/plugin";
  // A non-root process keeps a capability over execve only if it is ambient as well, and that needs
  // inheritable.
  const std::vector<std::string> granted = Sorted(*job.capabilities);
  process.capabilities = {granted, granted, granted, granted, granted};
  process.no_new_privileges = true;
  // Raising is always allowed. When the node itself runs out of memory, sandboxes go first.
  process.oom_score_adj = 500;
  const auto limit = [&](const char* type, std::int64_t value) {
    process.rlimits.push_back(
        {type, static_cast<std::uint64_t>(value), static_cast<std::uint64_t>(value)});
  };
  // Those with a fixed value are inherited from containerd otherwise, so the same spec would differ
  // between nodes.
  limit("RLIMIT_CORE", 0);
  limit("RLIMIT_FSIZE", job.limits.fsize_bytes);
  limit("RLIMIT_MEMLOCK", 64 << 10);
  // Those of a user namespace also count for who made it, root on the host, who would run out of
  // timers and queued signals (user_namespaces(7) has no limit of its own for them).
  limit("RLIMIT_MSGQUEUE", 0);
  limit("RLIMIT_NICE", 0);
  limit("RLIMIT_NOFILE", job.limits.nofile);
  if (SupportOf(job.runtime_class).pids != PidsBy::kCgroup) limit("RLIMIT_NPROC", job.limits.pids);
  limit("RLIMIT_RTPRIO", 0);
  limit("RLIMIT_SIGPENDING", 256);
  limit("RLIMIT_STACK", 8 << 20);
  return process;
}

std::vector<Mount> MakeMounts(const JobConfig& job) {
  std::vector<Mount> mounts = {
      {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
      // Holds the few device nodes that the runtime makes; nobody but root may write into it.
      {"/dev", "tmpfs", "tmpfs", {"nosuid", "noexec", "strictatime", "mode=755", "size=65536"}},
      {"/dev/shm",
       "tmpfs",
       "tmpfs",
       {"nosuid", "noexec", "nodev", "mode=1777", "size=" + std::to_string(job.limits.tmp_bytes)}},
      {"/tmp",
       "tmpfs",
       "tmpfs",
       {"nosuid", "noexec", "nodev", "mode=1777", "size=" + std::to_string(job.limits.tmp_bytes)}},
      // Not noexec: a native plugin is executed from here.
      {"/plugin", "bind", job.bundle_dir, {"bind", "ro", "nosuid", "nodev", "rprivate"}}};
  // In a user namespace a runtime does not make a node: it binds the host's of the same path. One
  // that has another path on the host is bound by us. Read-only keeps its inode, not the device,
  // from changes: the cgroup decides who reads and writes. crun drops all flags without it.
  for (const DeviceGrant& grant : SortedBy(*job.devices, &DeviceGrant::path)) {
    if (grant.host_path.empty()) continue;
    mounts.push_back(
        {grant.path, "bind", grant.host_path, {"bind", "ro", "nosuid", "noexec", "rprivate"}});
  }
  // Where the runtime makes the mount points; nobody but root may write into it.
  if (!job.mounts->empty()) {
    mounts.push_back(
        {"/mnt", "tmpfs", "tmpfs", {"nosuid", "noexec", "nodev", "mode=755", "size=65536"}});
  }
  // Sorted, a directory comes before what is mounted inside of it.
  for (const MountGrant& grant : SortedBy(*job.mounts, &MountGrant::destination)) {
    Mount mount{grant.destination,
                "bind",
                grant.source,
                {"bind", grant.read_only ? "ro" : "rw", "nosuid", "nodev"}};
    if (!grant.executable) mount.options.push_back("noexec");
    mount.options.push_back("rprivate");
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

std::vector<Namespace> MakeNamespaces(const JobConfig& job) {
  std::vector<Namespace> namespaces = {{"cgroup", ""}, {"ipc", ""},
                                       {"mount", ""},  {"network", *job.network_namespace_path},
                                       {"pid", ""},    {"uts", ""}};
  if (SupportOf(job.runtime_class).user_namespace) namespaces.push_back({"user", ""});
  return SortedBy(std::move(namespaces), &Namespace::type);
}

std::optional<std::int64_t> PidsLimit(const JobConfig& job) {
  switch (SupportOf(job.runtime_class).pids) {
    case PidsBy::kCgroup:
      return job.limits.pids;
    case PidsBy::kSentry:
      return std::max(kSentryTasks, kSentryTasksPerProcess * job.limits.pids + 64);
    case PidsBy::kRlimitOnly:
      break;
  }
  return std::nullopt;
}

Resources MakeResources(const JobConfig& job) {
  const ClassSupport& support = SupportOf(job.runtime_class);
  Resources resources;
  resources.devices.push_back({false, "", {}, {}, "rwm"});
  for (const DeviceGrant& grant : SortedBy(*job.devices, &DeviceGrant::path)) {
    resources.devices.push_back({true, grant.type, grant.major, grant.minor, grant.access});
  }
  resources.memory_limit =
      job.limits.memory_bytes + (support.pids == PidsBy::kSentry ? kSentryMemory : 0);
  // Memory and swap together: equal to the limit means no swap, where a limit would only slow
  // things down.
  if (support.host_cgroup) resources.memory_swap = resources.memory_limit;
  resources.cpu_period = kCpuPeriodUs;
  resources.cpu_quota = static_cast<std::uint64_t>(job.limits.millicpus) * kCpuPeriodUs / 1000;
  resources.pids_limit = PidsLimit(job);
  // The whole sandbox dies of an OOM kill, not one process of it that the rest then waits for.
  if (job.cgroup_v2 && support.host_cgroup) resources.unified["memory.oom.group"] = "1";
  return resources;
}

std::vector<Device> MakeDevices(const JobConfig& job) {
  std::vector<Device> devices;
  for (const DeviceGrant& grant : SortedBy(*job.devices, &DeviceGrant::path)) {
    if (!grant.host_path.empty()) continue;
    devices.push_back({grant.path, grant.type, grant.major, grant.minor, grant.file_mode,
                       kDefaultUid, kDefaultUid});
  }
  return devices;
}

std::map<std::string, std::string> MakeAnnotations(const JobConfig& job) {
  std::map<std::string, std::string> annotations = job.annotations;
  annotations["io.vortex.run-id"] = job.run_id;
  annotations["io.vortex.plugin-id"] = job.plugin_id;
  annotations["io.vortex.runtime-class"] = std::string(Name(job.runtime_class));
  // gVisor's own shim hangs on a container that is neither marked a sandbox nor has a terminal.
  if (job.runtime_class == RuntimeClass::kGvisor)
    annotations["io.kubernetes.cri.container-type"] = "sandbox";
  return annotations;
}

// What of /proc speaks of the node instead of the sandbox: its memory, hardware, kernel addresses,
// keys, boot parameters, and counters that time other people's work. Runtimes skip paths that the
// kernel does not have.
std::vector<std::string> MaskedPaths() {
  return {"/proc/acpi",          "/proc/asound",     "/proc/buddyinfo",     "/proc/bus",
          "/proc/cgroups",       "/proc/cmdline",    "/proc/config.gz",     "/proc/crypto",
          "/proc/diskstats",     "/proc/driver",     "/proc/dynamic_debug", "/proc/fs",
          "/proc/interrupts",    "/proc/iomem",      "/proc/ioports",       "/proc/kallsyms",
          "/proc/kcore",         "/proc/key-users",  "/proc/keys",          "/proc/kmsg",
          "/proc/kpagecgroup",   "/proc/kpagecount", "/proc/kpageflags",    "/proc/latency_stats",
          "/proc/locks",         "/proc/mdstat",     "/proc/modules",       "/proc/pagetypeinfo",
          "/proc/partitions",    "/proc/pressure",   "/proc/sched_debug",   "/proc/schedstat",
          "/proc/scsi",          "/proc/slabinfo",   "/proc/softirqs",      "/proc/swaps",
          "/proc/sysrq-trigger", "/proc/timer_list", "/proc/timer_stats",   "/proc/vmallocinfo",
          "/proc/zoneinfo"};
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
  const ClassSupport& support = SupportOf(job.runtime_class);
  if (support.user_namespace) {
    spec.uid_mappings = {{0, job.ids.host_start, job.ids.size}};
    spec.gid_mappings = spec.uid_mappings;
  }
  spec.devices = MakeDevices(job);
  spec.resources = MakeResources(job);
  spec.cgroups_path = job.cgroups_path;
  spec.rootfs_propagation = "private";
  if (support.proc_paths) {
    spec.masked_paths = MaskedPaths();
    spec.readonly_paths = {"/proc/irq", "/proc/sys"};
  }
  if (support.seccomp) {
    const bool raw = std::find(job.capabilities->begin(), job.capabilities->end(), "CAP_NET_RAW") !=
                     job.capabilities->end();
    const bool listened = !job.watch.listener_path.empty();
    spec.seccomp = HarnessSeccomp(
        {.arch = job.arch,
         .device_ioctls = {WeakensIsolation{"a granted device is used by its driver's ioctls"},
                           !job.devices->empty()},
         .raw_sockets = {WeakensIsolation{"CAP_NET_RAW is void without raw sockets"}, raw},
         .watch_network = listened && job.watch.network,
         .watch_filesystem = listened && job.watch.filesystem,
         .watch_ids = job.capabilities->empty()});
    if (listened && (job.watch.network || job.watch.filesystem)) {
      spec.seccomp->listener_path = job.watch.listener_path;
      spec.seccomp->listener_metadata = job.watch.listener_metadata;
    }
  }
  return spec;
}

}  // namespace vortex::oci
