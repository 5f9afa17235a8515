// SPDX-License-Identifier: Apache-2.0
// Mounts, the root, /proc paths, devices, resources.
#include "review/rules.h"

namespace vortex::review {
namespace {

using enum Severity;
using enum Scope;

constexpr Rule kMounts[] = {
    {"VX-SPEC-0300", "mounts.host-root", kCritical, kAll, "mounts[].source",
     "The host's whole file system is inside: reading shows every secret of the node, writing one "
     "file of cron, systemd or ssh is root on it.",
     "mount only the directory that is needed, read-only", "mount(8)"},
    {"VX-SPEC-0301", "mounts.runtime-socket", kCritical, kAll, "mounts[].source",
     "Whoever talks to this socket starts containers with any rights: it is root on the node. "
     "Read-only does not help, sockets are connected, not written.",
     "remove the mount", "connect(2), unix(7)"},
    {"VX-SPEC-0302", "mounts.kernel-interface", kCritical, kAll, "mounts[].source",
     "The host's /proc, /sys or /dev inside is the node's processes, kernel settings and devices: "
     "/proc/sys/kernel/core_pattern, /proc/1/root and /dev/sda are each a way out.",
     "mount a new proc, or none; name single devices", "proc(5), sysfs(5)"},
    {"VX-SPEC-0303", "mounts.node-files", kHigh, kAll, "mounts[].source",
     "The directory holds the node's configuration, programs or credentials (/etc, /root, kubelet, "
     "container storage): reading gives keys, writing gives the node.",
     "mount the one file that is needed, read-only", "hier(7)"},
    {"VX-SPEC-0304", "mounts.writable-host-bind", kWarning, kAll, "mounts[].options",
     "The code changes files of the host that outlive it, or fills the disk; whoever reads them "
     "later, works with what untrusted code wrote.",
     "add ro, or use a sized tmpfs", "mount(8), bind mounts"},
    {"VX-SPEC-0305", "mounts.host-bind", kNote, kAll, "mounts[].source",
     "The code reads what is in the host's directory, now and as it changes.",
     "check that nothing secret is in it", "mount(8), bind mounts"},
    {"VX-SPEC-0306", "mounts.without-nosuid", kWarning, kAll, "mounts[].options",
     "A setuid program on the mount gives its owner's rights to whoever starts it.", "add nosuid",
     "mount(8), nosuid"},
    {"VX-SPEC-0307", "mounts.without-nodev", kWarning, kAll, "mounts[].options",
     "A device node on the mount is a device: the disk, the memory.", "add nodev",
     "mount(8), nodev"},
    {"VX-SPEC-0308", "mounts.without-noexec", kWarning, kAll, "mounts[].options",
     "What the code downloads or writes there can be started as a program (a note where the mount "
     "is read-only).",
     "add noexec", "mount(8), noexec"},
    {"VX-SPEC-0309", "mounts.shared-propagation", kHigh, kAll, "mounts[].options",
     "A mount made inside shows up on the host below the source, over whatever is there.",
     "use rprivate", "mount_namespaces(7), shared subtrees"},
    {"VX-SPEC-0310", "mounts.slave-propagation", kNote, kAll, "mounts[].options",
     "What the host mounts below the source later, a disk or a share, shows up inside.",
     "use rprivate", "mount_namespaces(7), shared subtrees"},
    {"VX-SPEC-0311", "mounts.proc-hidepid", kNote, kHostProc, "mounts[].options",
     "Users inside see each other's processes, with command lines; with one user and a pid "
     "namespace of its own little is gained.",
     "hidepid=2 where more than one user runs inside", "proc(5), hidepid"},
    {"VX-SPEC-0312", "mounts.sysfs-writable", kHigh, kHostProc, "mounts[].options",
     "sysfs is the node's: writing /sys/kernel/uevent_helper or power and driver files runs code "
     "or changes hardware outside.",
     "add ro, or leave sysfs out", "sysfs(5)"},
    {"VX-SPEC-0313", "mounts.sysfs", kNote, kHostProc, "mounts[].type",
     "The node's hardware, firmware tables and kernel modules are readable: a fingerprint, and "
     "addresses for an exploit.",
     "leave sysfs out when the job does not need it", "sysfs(5)"},
    {"VX-SPEC-0314", "mounts.cgroup-writable", kHigh, kAll, "mounts[].options",
     "Writing cgroup files lifts this spec's limits; on cgroup v1 release_agent names a program "
     "that the kernel starts as root on the host (CVE-2022-0492).",
     "add ro, or leave it out", "cgroups(7); CVE-2022-0492"},
    {"VX-SPEC-0315", "mounts.tmpfs-unsized", kWarning, kAll, "mounts[].options",
     "A tmpfs without size takes half of the machine's memory; without a memory limit that is the "
     "node's.",
     "add size=", "tmpfs(5)"},
    {"VX-SPEC-0316", "mounts.over-system", kWarning, kAll, "mounts[].destination",
     "The mount covers the root, /proc, /sys or programs of the image: it can hide masked paths, "
     "forge what programs read, or replace the sandbox's own init.",
     "mount at a directory of its own", "CVE-2019-19921, CVE-2023-27561"},
    {"VX-SPEC-0317", "mounts.kernel-filesystem", kHigh, kAll, "mounts[].type",
     "The file system is an interface of the node's kernel (debugfs, tracefs, bpf, securityfs, "
     "devtmpfs, configfs): reading leaks addresses and traffic, writing changes the node.",
     "leave it out", "filesystems(5)"},
    {"VX-SPEC-0318", "mounts.other-filesystem", kWarning, kAll, "mounts[].type",
     "A block or network file system is mounted by the host's kernel from data that somebody else "
     "may write: file system parsers are a large attack surface, and shares leak data.",
     "let the operator mount it, and bind the directory read-only", "filesystems(5)"},
    {"VX-SPEC-0319", "mounts.duplicate-destination", kWarning, kAll, "mounts[].destination",
     "The later mount hides the earlier one: a reviewer reads options that do not hold.",
     "one mount for each destination", "OCI runtime-spec, config.md, Mounts"},
    {"VX-SPEC-0320", "mounts.odd-destination", kWarning, kAll, "mounts[].destination",
     "A relative path or one with \"..\" is resolved differently by runtimes, and with a symbolic "
     "link in the image leads outside (CVE-2021-30465).",
     "an absolute path without \"..\"", "CVE-2021-30465"},
    {"VX-SPEC-0321", "mounts.unknown-option", kNote, kAll, "mounts[].options",
     "Not judged: the option is handed to the file system.", "check what the option does",
     "mount(8)"},
    {"VX-SPEC-0330", "root.writable", kWarning, kAll, "root.readonly",
     "The code changes the programs that start next in this root, and fills the disk below it.",
     "set root.readonly to true and give a sized tmpfs for what is written",
     "OCI runtime-spec, config.md, Root"},
    {"VX-SPEC-0331", "root.host", kCritical, kAll, "root.path",
     "The root is the host's own directory: the code runs among the node's files.",
     "use a root that was unpacked from an image", "OCI runtime-spec, config.md, Root"},
    {"VX-SPEC-0332", "root.shared-propagation", kHigh, kAll, "linux.rootfsPropagation",
     "Mounts made inside show up on the host.", "private", "mount_namespaces(7), shared subtrees"},
    {"VX-SPEC-0333", "root.slave-propagation", kNote, kAll, "linux.rootfsPropagation",
     "What the host mounts later shows up inside; absent, runc takes slave.", "private",
     "mount_namespaces(7), shared subtrees"},
    {"VX-SPEC-0350", "paths.unmasked", kWarning, kHostProc, "linux.maskedPaths",
     "The file shows the node's memory, keys, kernel addresses or devices, or lets them be "
     "changed; engines mask it by default, this spec does not.",
     "add the paths to maskedPaths", "OCI runtime-spec, config-linux.md, Masked paths"},
    {"VX-SPEC-0351", "paths.unmasked-sidechannel", kNote, kHostProc, "linux.maskedPaths",
     "The file tells of the node's hardware, boot parameters or load; counters time other "
     "people's work.",
     "add the paths to maskedPaths", "proc(5)"},
    {"VX-SPEC-0352", "paths.writable-kernel-settings", kWarning, kHostProc, "linux.readonlyPaths",
     "Root inside writes the kernel's settings there (/proc/sys/kernel/core_pattern runs a "
     "program on the host; /proc/sysrq-trigger stops it).",
     "add the paths to readonlyPaths or maskedPaths", "proc_sys(5)"},
};

constexpr Rule kDevices[] = {
    {"VX-SPEC-0400", "devices.node", kWarning, kHostDevices, "linux.devices",
     "The driver behind the node takes the code's requests in the host's kernel, ioctl by ioctl; "
     "a bug in it is a way out.",
     "remove the device unless the job needs it", "OCI runtime-spec, config-linux.md, Devices"},
    {"VX-SPEC-0401", "devices.memory", kCritical, kHostDevices, "linux.devices, resources.devices",
     "/dev/mem, /dev/kmem and /dev/port are the machine's memory and ports: kernel and neighbours "
     "are readable and writable.",
     "remove the device", "mem(4)"},
    {"VX-SPEC-0402", "devices.kernel-log", kHigh, kHostDevices, "linux.devices, resources.devices",
     "/dev/kmsg shows the node's kernel log with addresses, and lets forged lines be written.",
     "remove the device", "kmsg, Documentation/ABI/testing/dev-kmsg"},
    {"VX-SPEC-0403", "devices.block", kCritical, kHostDevices, "linux.devices, resources.devices",
     "A block device is a disk below its file system's permissions: every file of the node can be "
     "read, and written with w.",
     "remove the device; let the operator mount it", "cgroups(7), devices controller"},
    {"VX-SPEC-0404", "devices.kvm", kHigh, kHostDevices, "linux.devices, resources.devices",
     "/dev/kvm and vhost devices let the code run virtual machines: much kernel code, and memory "
     "that is counted late.",
     "remove the device", "kvm API documentation"},
    {"VX-SPEC-0405", "devices.fuse", kHigh, kHostDevices, "linux.devices, resources.devices",
     "With /dev/fuse the code serves a file system to the kernel and stops it inside any read: a "
     "helper of many race exploits.",
     "remove the device", "fuse(4)"},
    {"VX-SPEC-0406", "devices.tun", kHigh, kHostDevices, "linux.devices, resources.devices",
     "/dev/net/tun makes network interfaces and injects raw packets; its driver had many holes.",
     "remove the device", "Documentation/networking/tuntap.rst"},
    {"VX-SPEC-0407", "devices.allow-all", kCritical, kHostDevices, "linux.resources.devices",
     "Every device of the node may be opened once a node for it exists: one mknod and the disk is "
     "readable.",
     "begin with a rule that denies all, then allow single devices",
     "OCI runtime-spec, config-linux.md, Device allow list"},
    {"VX-SPEC-0408", "devices.wildcard", kHigh, kHostDevices, "linux.resources.devices",
     "All devices of a driver or of a kind are allowed, also those that appear later.",
     "give major and minor", "OCI runtime-spec, config-linux.md, Device allow list"},
    {"VX-SPEC-0409", "devices.mknod-only", kNote, kHostDevices, "linux.resources.devices",
     "Nodes may be made, but not opened: harmless by itself, and needless without CAP_MKNOD.",
     "remove the rule", "cgroups(7), devices controller"},
    {"VX-SPEC-0410", "devices.rule-without-node", kWarning, kHostDevices, "linux.resources.devices",
     "The device may be opened by a node that comes from elsewhere, a mount or mknod; nothing in "
     "linux.devices says that it is meant.",
     "remove the rule or list the device", "OCI runtime-spec, config-linux.md, Device allow list"},
    {"VX-SPEC-0411", "devices.bad-rule", kHigh, kHostDevices, "linux.resources.devices",
     "Runtimes refuse or skip a rule with another type than a, b or c, or access than r, w, m.",
     "type a, b or c; access of r, w and m", "OCI runtime-spec, config-linux.md"},
};

constexpr Rule kResources[] = {
    {"VX-SPEC-0450", "resources.memory-unlimited", kWarning, kAll, "linux.resources.memory.limit",
     "The code takes the node's memory until the kernel kills something else.", "set memory.limit",
     "cgroups(7), memory controller"},
    {"VX-SPEC-0451", "resources.swap", kWarning, kHostSwap, "linux.resources.memory.swap",
     "Above its memory limit the code goes on in swap and keeps the node's disk busy for "
     "everybody.",
     "set memory.swap to the value of memory.limit", "OCI runtime-spec, config-linux.md, Memory"},
    {"VX-SPEC-0452", "resources.pids-unlimited", kWarning, kHostPids, "linux.resources.pids.limit",
     "A fork bomb takes all process ids of the node: nobody can start anything, not even kill.",
     "set pids.limit", "cgroups(7), pids controller"},
    {"VX-SPEC-0453", "resources.cpu-unlimited", kWarning, kAll, "linux.resources.cpu.quota",
     "The code takes every processor of the node, for mining or to slow others.",
     "set cpu.quota and cpu.period", "cgroups(7), cpu controller"},
    {"VX-SPEC-0454", "resources.oom-disabled", kHigh, kAll,
     "linux.resources.memory.disableOOMKiller",
     "At its limit the container stops instead of being killed, and holds locks and memory for "
     "ever.",
     "remove disableOOMKiller", "cgroups(7), memory.oom_control"},
    {"VX-SPEC-0455", "resources.cgroup-path", kHigh, kAll, "linux.cgroupsPath",
     "The root cgroup, a path with \"..\" or one of the node's own slices puts the code beside "
     "services, out of its own limits, or lets it disturb theirs.",
     "one cgroup for each container below a parent of its own",
     "OCI runtime-spec, config-linux.md, Control groups"},
    {"VX-SPEC-0456", "resources.cgroup-path-absent", kNote, kAll, "linux.cgroupsPath",
     "The runtime chooses the cgroup, so what watches or cleans up must guess it.",
     "set cgroupsPath", "OCI runtime-spec, config-linux.md, Control groups"},
    {"VX-SPEC-0457", "resources.realtime", kWarning, kAll, "linux.resources.cpu.realtimeRuntime",
     "Real-time time on the processors runs before the node's own services.",
     "remove realtimeRuntime", "sched(7)"},
    {"VX-SPEC-0458", "resources.unified-unlimited", kWarning, kAll, "linux.resources.unified",
     "The cgroup v2 file lifts or replaces a limit that is set elsewhere in the spec.",
     "remove the entry, or give it the limit's value",
     "OCI runtime-spec, config-linux.md, Unified"},
    {"VX-SPEC-0459", "resources.unified-other", kNote, kAll, "linux.resources.unified",
     "Not judged: the value is written to the cgroup v2 file of this name.",
     "check what the file does", "Documentation/admin-guide/cgroup-v2.rst"},
};

}  // namespace

std::span<const Rule> MountRules() { return kMounts; }
std::span<const Rule> DeviceRules() { return kDevices; }
std::span<const Rule> ResourceRules() { return kResources; }

}  // namespace vortex::review
