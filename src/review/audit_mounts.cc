// SPDX-License-Identifier: Apache-2.0
// The root, the mounts, and the paths of /proc.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "review/audit_context.h"

namespace vortex::review {
namespace {

bool AnyWithin(std::string_view path, std::initializer_list<const char*> roots) {
  return std::any_of(roots.begin(), roots.end(), [&](const char* r) { return Within(path, r); });
}

// Bind sources that are the node.
void AuditSource(AuditContext& audit, const Node& mount, const MountOptions& options) {
  const Node node = mount["source"];
  const std::string source = NormalPath(node.Text());
  const std::string how = options.read_only ? "read-only" : "writable";
  const auto add = [&](const char* rule, std::optional<Severity> severity = std::nullopt) {
    audit.Add(rule, node,
              fmt::format("\"{}\" of the host at {}, {}", source, mount["destination"].Text(), how),
              severity);
  };
  if (source == "/") return add("mounts.host-root");
  const std::string last = source.substr(source.rfind('/') + 1);
  static const std::set<std::string_view> kSockets = {
      "docker.sock",    "containerd.sock",       "crio.sock",        "podman.sock",
      "buildkitd.sock", "containerd.sock.ttrpc", "cri-dockerd.sock", "dockershim.sock"};
  if (kSockets.contains(last) || source == "/run" || source == "/var" ||
      AnyWithin(source, {"/run/containerd", "/run/docker", "/run/crio", "/run/podman", "/run/dbus",
                         "/run/systemd", "/run/vortex/containerd"}))
    return add("mounts.runtime-socket");
  // Single harmless nodes are how engines give /dev/null and the like.
  static const std::set<std::string_view> kHarmless = {"/dev/null",   "/dev/zero",    "/dev/full",
                                                       "/dev/random", "/dev/urandom", "/dev/tty"};
  if (kHarmless.contains(source)) return;
  if (AnyWithin(source, {"/proc", "/sys", "/dev"})) {
    const bool whole = source == "/proc" || source == "/sys" || source == "/dev";
    return add("mounts.kernel-interface",
               whole || !options.read_only ? Severity::kCritical : Severity::kHigh);
  }
  const bool node_files = AnyWithin(source, {"/etc", "/root", "/boot", "/usr", "/lib", "/lib64",
                                             "/bin", "/sbin", "/var/lib/kubelet", "/var/lib/docker",
                                             "/var/lib/containerd", "/var/lib/containers",
                                             "/var/spool/cron", "/var/lib/rancher", "/opt/cni"}) ||
                          source == "/home" || source == "/var/lib" || source == "/opt" ||
                          source == "/var/log";
  // What engines write for each container: names and addresses, nothing of the node.
  const bool engine_file = last == "hosts" || last == "hostname" || last == "resolv.conf";
  if (node_files && !(engine_file && !Within(source, "/etc")))
    return add("mounts.node-files", options.read_only ? Severity::kHigh : Severity::kCritical);
  if (!options.read_only) return add("mounts.writable-host-bind");
  add("mounts.host-bind");
}

bool IsKernelFilesystem(std::string_view type) {
  static const std::set<std::string_view> kTypes = {
      "debugfs",     "tracefs", "securityfs", "bpf",      "configfs",
      "devtmpfs",    "fusectl", "pstore",     "efivarfs", "selinuxfs",
      "binfmt_misc", "resctrl", "hugetlbfs",  "nfsd",     "rpc_pipefs"};
  return kTypes.contains(type);
}

void AuditFilesystem(AuditContext& audit, const Node& mount, const MountOptions& options) {
  const std::string& type = mount["type"].Text();
  const std::string where = fmt::format("{} at {}", type, mount["destination"].Text());
  if (type == "sysfs") {
    if (!options.read_only) {
      audit.Add("mounts.sysfs-writable", mount["options"], where + " without ro");
    } else {
      audit.Add("mounts.sysfs", mount["type"], where);
    }
  } else if (type == "cgroup" || type == "cgroup2") {
    if (!options.read_only)
      audit.Add("mounts.cgroup-writable", mount["options"], where + " without ro");
  } else if (type == "tmpfs") {
    const bool sized = options.size && !options.size->empty() && *options.size != "0" &&
                       options.size->find('%') == std::string::npos;
    if (!sized && !options.read_only)
      audit.Add("mounts.tmpfs-unsized", mount["options"],
                where + (options.size ? " with size=" + *options.size : " without size="));
  } else if (type == "proc") {
    if (!options.hidepid || *options.hidepid == "0" || *options.hidepid == "off")
      audit.Add("mounts.proc-hidepid", mount["options"], where + " without hidepid");
  } else if (IsKernelFilesystem(type)) {
    audit.Add("mounts.kernel-filesystem", mount["type"], where);
  } else if (type != "mqueue" && type != "devpts" && type != "ramfs") {
    audit.Add("mounts.other-filesystem", mount["type"],
              fmt::format("\"{}\" from \"{}\"", type, mount["source"].Text()));
  }
  if (type == "ramfs")
    audit.Add("mounts.tmpfs-unsized", mount["type"], where + ": ramfs knows no size");
}

void AuditDestination(AuditContext& audit, const Node& mount, bool bind) {
  const Node node = mount["destination"];
  const std::string& text = node.Text();
  const std::string path = NormalPath(text);
  if (!text.starts_with('/') || (path + "/").find("/../") != std::string::npos)
    return audit.Add("mounts.odd-destination", node, fmt::format("\"{}\"", text));
  const std::string& type = mount["type"].Text();
  const bool usual =
      (path == "/proc" && type == "proc" && !bind) ||
      (Within(path, "/sys") && !bind &&
       (type == "sysfs" || type == "cgroup" || type == "cgroup2" || type == "tmpfs"));
  if (!usual && (path == "/" ||
                 AnyWithin(path, {"/proc", "/sys", "/bin", "/sbin", "/lib", "/lib64", "/usr"})))
    audit.Add("mounts.over-system", node, fmt::format("covers {}", path));
}

void AuditFlags(AuditContext& audit, const Node& mount, const MountOptions& options) {
  const std::string& type = mount["type"].Text();
  const std::string destination = NormalPath(mount["destination"].Text());
  const Node where = mount["options"];
  const auto on = fmt::format("at {}", destination);
  if (!options.nosuid) audit.Add("mounts.without-nosuid", where, on + " without nosuid");
  // Device nodes are what /dev is for.
  if (!options.nodev && destination != "/dev" && type != "devpts" &&
      !Within(destination, "/dev/pts"))
    audit.Add("mounts.without-nodev", where, on + " without nodev");
  if (!options.noexec) {
    audit.Add("mounts.without-noexec", where, on + " without noexec",
              options.read_only ? Severity::kNote : Severity::kWarning);
  }
  if (options.propagation == 3)
    audit.Add("mounts.shared-propagation", where, on + " with shared propagation");
  if (options.propagation == 2)
    audit.Add("mounts.slave-propagation", where, on + " with slave propagation");
  for (const std::string& word : options.unknown) {
    const bool usual = type == "devpts" ||
                       (type == "tmpfs" && (word.starts_with("uid=") || word.starts_with("gid=")));
    if (!usual) audit.Add("mounts.unknown-option", where, fmt::format("{} with \"{}\"", on, word));
  }
}

void AuditRoot(AuditContext& audit) {
  const Node root = audit.root()["root"];
  if (root && !root["readonly"].IsTrue())
    audit.Add("root.writable", root["readonly"],
              root["readonly"] ? "false" : "absent, which means false");
  const std::string path = NormalPath(root["path"].Text());
  if (path == "/" || path == "/usr" || path == "/etc" || path == "/var" || path == "/home" ||
      path == "/proc/1/root")
    audit.Add("root.host", root["path"], fmt::format("\"{}\"", path));
  const Node propagation = audit.root()["linux"]["rootfsPropagation"];
  const std::string& word = propagation.Text();
  if (word == "shared" || word == "rshared") {
    audit.Add("root.shared-propagation", propagation, word);
  } else if (word != "private" && word != "rprivate" && word != "unbindable" &&
             word != "runbindable") {
    audit.Add("root.slave-propagation", propagation, word.empty() ? "absent" : word);
  }
}

}  // namespace

void AuditMounts(AuditContext& audit) {
  AuditRoot(audit);
  std::map<std::string, std::string> seen;
  for (const Node& mount : audit.root()["mounts"].Items()) {
    const MountOptions options = ReadOptions(mount["options"]);
    const bool bind = IsBind(mount);
    AuditDestination(audit, mount, bind);
    const auto [first, fresh] =
        seen.try_emplace(NormalPath(mount["destination"].Text()), mount.path());
    if (!fresh)
      audit.Add("mounts.duplicate-destination", mount["destination"],
                fmt::format("{} has the same destination", first->second));
    if (bind) {
      AuditSource(audit, mount, options);
    } else {
      AuditFilesystem(audit, mount, options);
    }
    AuditFlags(audit, mount, options);
  }
}

namespace {

// Engines mask these by default (moby, containerd, podman).
constexpr const char* kUsuallyMasked[] = {
    "/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
    "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
    "/proc/scsi",          "/proc/interrupts"};
// The rest of what says something of the node.
constexpr const char* kNodeFacts[] = {
    "/proc/bus",           "/proc/cgroups",    "/proc/cmdline",    "/proc/config.gz",
    "/proc/diskstats",     "/proc/driver",     "/proc/fs",         "/proc/iomem",
    "/proc/ioports",       "/proc/kallsyms",   "/proc/key-users",  "/proc/kmsg",
    "/proc/kpagecgroup",   "/proc/kpagecount", "/proc/kpageflags", "/proc/modules",
    "/proc/pressure",      "/proc/schedstat",  "/proc/slabinfo",   "/proc/softirqs",
    "/proc/sysrq-trigger", "/proc/vmallocinfo"};
constexpr const char* kReadOnly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                     "/proc/sysrq-trigger"};

}  // namespace

void AuditPaths(AuditContext& audit) {
  const Node linux_part = audit.root()["linux"];
  bool proc = false, sys = false;
  for (const Node& mount : audit.root()["mounts"].Items()) {
    proc |= mount["type"].Text() == "proc";
    sys |= mount["type"].Text() == "sysfs";
  }
  const auto covered = [](const std::vector<std::string>& by, std::string_view path) {
    return std::any_of(by.begin(), by.end(),
                       [&](const std::string& root) { return Within(path, NormalPath(root)); });
  };
  const std::vector<std::string> masked = linux_part["maskedPaths"].Texts();
  std::vector<std::string> read_only = linux_part["readonlyPaths"].Texts();
  read_only.insert(read_only.end(), masked.begin(), masked.end());
  const auto missing = [&](const char* rule, const char* field, const auto& paths,
                           const std::vector<std::string>& by) {
    std::vector<std::string> out;
    for (const char* path : paths) {
      const bool there = Within(path, "/sys") ? sys : proc;
      if (there && !covered(by, path)) out.emplace_back(path);
    }
    if (!out.empty())
      audit.Add(rule, linux_part[field], fmt::format("lacks {}", fmt::join(out, ", ")));
  };
  missing("paths.unmasked", "maskedPaths", kUsuallyMasked, masked);
  missing("paths.unmasked", "maskedPaths",
          std::initializer_list<const char*>{"/sys/firmware", "/sys/devices/virtual/powercap"},
          masked);
  missing("paths.unmasked-sidechannel", "maskedPaths", kNodeFacts, masked);
  missing("paths.writable-kernel-settings", "readonlyPaths", kReadOnly, read_only);
}

}  // namespace vortex::review
