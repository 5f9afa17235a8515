// SPDX-License-Identifier: Apache-2.0
// Namespaces, user mappings, hooks, kernel settings, annotations.
#include "review/rules.h"

namespace vortex::review {
namespace {

using enum Severity;
using enum Scope;

constexpr Rule kNamespaces[] = {
    {"VX-SPEC-0020", "namespaces.host-pid", kHigh, kAll, "linux.namespaces",
     "The code sees and may signal the host's processes, and reads what /proc shows of those with "
     "its uid: environment, open files, root directory.",
     "add a namespace of type pid", "pid_namespaces(7)"},
    {"VX-SPEC-0021", "namespaces.host-mount", kCritical, kAll, "linux.namespaces",
     "There is no file system of its own: with mount rights the code changes the host's mounts, "
     "and the root is only a chroot, which is left with one open descriptor.",
     "add a namespace of type mount", "mount_namespaces(7)"},
    {"VX-SPEC-0022", "namespaces.host-network", kHigh, kAll, "linux.namespaces",
     "The code reaches the host's loopback services, its abstract sockets (containerd-shim's, "
     "CVE-2020-15257), the local network and cloud metadata.",
     "add a namespace of type network", "network_namespaces(7); CVE-2020-15257"},
    {"VX-SPEC-0023", "namespaces.host-ipc", kHigh, kAll, "linux.namespaces",
     "The code attaches the host's System V shared memory and message queues and reads or changes "
     "what other programs exchange there.",
     "add a namespace of type ipc", "ipc_namespaces(7)"},
    {"VX-SPEC-0024", "namespaces.host-uts", kWarning, kAll, "linux.namespaces",
     "The host's name is visible, and with CAP_SYS_ADMIN changeable.",
     "add a namespace of type uts", "uts_namespaces(7)"},
    {"VX-SPEC-0025", "namespaces.host-cgroup", kWarning, kAll, "linux.namespaces",
     "/proc/self/cgroup names the host's cgroups (pod and neighbour ids), and a cgroup mount shows "
     "the host's tree, where CVE-2022-0492 wrote release_agent.",
     "add a namespace of type cgroup", "cgroup_namespaces(7); CVE-2022-0492"},
    {"VX-SPEC-0026", "namespaces.host-user", kWarning, kUserNamespace, "linux.namespaces",
     "A user inside is the same user outside: root in the container is root for every file, "
     "process and kernel check that an escape reaches.",
     "add a namespace of type user and mappings to ids of its own", "user_namespaces(7)"},
    {"VX-SPEC-0027", "namespaces.joined", kHigh, kAll, "linux.namespaces[].path",
     "The container shares this namespace with whatever is in it already; /proc/1/ns is the host.",
     "leave path out, so that a new namespace is made", "setns(2)"},
    {"VX-SPEC-0028", "namespaces.joined-network", kWarning, kAll, "linux.namespaces[].path",
     "What the code reaches is decided by whoever set the network namespace up, not by this spec: "
     "a route out means data can leave and the local network can be attacked.",
     "leave path out, or check the namespace's links, routes and rules", "network_namespaces(7)"},
    {"VX-SPEC-0029", "namespaces.malformed", kHigh, kAll, "linux.namespaces",
     "An unknown type, or one that is there twice, is refused or skipped by runtimes, and the "
     "isolation that it should give is missing.",
     "each known type once", "OCI runtime-spec, config-linux.md, Namespaces"},
    {"VX-SPEC-0040", "usermap.host-root", kHigh, kUserNamespace, "linux.uidMappings, gidMappings",
     "A user inside is root of the host for every object that is not namespaced: files on mounts, "
     "devices, other people's processes after an escape.",
     "map to a range that holds no user of the host", "user_namespaces(7)"},
    {"VX-SPEC-0041", "usermap.host-users", kWarning, kUserNamespace,
     "linux.uidMappings, gidMappings",
     "The range covers ids below 65536, where the host's own users are: their files on mounts are "
     "the container's.",
     "map to ids from 65536 on", "subuid(5)"},
    {"VX-SPEC-0042", "usermap.overlap", kHigh, kUserNamespace, "linux.uidMappings, gidMappings",
     "Two ids inside are one outside, or the other way round; the kernel refuses some of these, "
     "and the rest let one user act as another.",
     "mappings without a common id", "user_namespaces(7)"},
    {"VX-SPEC-0043", "usermap.large", kWarning, kUserNamespace, "linux.uidMappings, gidMappings",
     "A range of more than 65536 ids reaches into those of other containers or of subuid users.",
     "a size of 65536 or less", "subuid(5)"},
    {"VX-SPEC-0044", "usermap.missing", kWarning, kUserNamespace, "linux.uidMappings, gidMappings",
     "A new user namespace without mappings leaves it to the runtime who is who.",
     "give both uidMappings and gidMappings", "user_namespaces(7)"},
    {"VX-SPEC-0045", "usermap.without-namespace", kHigh, kUserNamespace,
     "linux.uidMappings, gidMappings",
     "Mappings without a new user namespace do nothing: the reader believes in a separation that "
     "is not there.",
     "add a namespace of type user", "OCI runtime-spec, config-linux.md, User namespace mappings"},
};

constexpr Rule kHost[] = {
    {"VX-SPEC-0500", "hooks.any", kHigh, kAll, "hooks",
     "A hook is a program that runs with the runtime's rights, mostly as root on the host, in the "
     "namespaces of the runtime or the container: whoever writes the spec runs code on the node.",
     "remove the hooks, or review the program and who may change it",
     "OCI runtime-spec, config.md, POSIX-platform hooks"},
    {"VX-SPEC-0510", "sysctl.node-wide", kCritical, kAll, "linux.sysctl",
     "The setting belongs to the whole node: kernel.core_pattern and kernel.modprobe name programs "
     "that the kernel starts as root on the host (CVE-2022-0811), others switch hardening off.",
     "remove the setting", "sysctl(8), proc_sys(5); CVE-2022-0811"},
    {"VX-SPEC-0511", "sysctl.host-network", kHigh, kAll, "linux.sysctl",
     "Without a new network namespace the setting changes the host's network: forwarding, source "
     "checks, privileged ports.",
     "add a new network namespace or remove the setting", "OCI runtime-spec, Sysctl"},
    {"VX-SPEC-0512", "sysctl.namespaced", kNote, kAll, "linux.sysctl",
     "The setting holds inside the namespaces only; some still widen what code may do there, for "
     "example net.ipv4.ping_group_range or ip_unprivileged_port_start.",
     "leave it out unless the job needs it", "OCI runtime-spec, config-linux.md, Sysctl"},
    {"VX-SPEC-0520", "annotations.gvisor-flag", kHigh, kAll, "annotations",
     "dev.gvisor.flag.* changes how runsc isolates: host network, host sockets, no overlay, debug "
     "logs with the job's data.",
     "remove the annotation; set flags in runsc's own configuration", "runsc, flag annotations"},
    {"VX-SPEC-0521", "annotations.gvisor", kWarning, kAll, "annotations",
     "dev.gvisor.* tells the sentry how to treat mounts, roots and sandboxes, and may share memory "
     "or files with others.",
     "remove the annotation", "runsc, annotations"},
    {"VX-SPEC-0522", "annotations.kata-config", kHigh, kAll, "annotations",
     "io.katacontainers.config.* replaces the hypervisor, its path, the kernel or the agent's "
     "settings: a path here is a program that runs as root on the host (CVE-2020-27151).",
     "remove the annotation, and keep enable_annotations empty", "CVE-2020-27151"},
    {"VX-SPEC-0523", "annotations.crun", kHigh, kAll, "annotations",
     "run.oci.* tells crun to keep groups, change handlers, mount more or delegate cgroups; a "
     "handler such as krun or wasm replaces the isolation.",
     "remove the annotation", "crun(1), annotations"},
    {"VX-SPEC-0524", "annotations.systemd-property", kHigh, kAll, "annotations",
     "org.systemd.property.* sets properties of the container's scope as systemd sees it, root on "
     "the host: limits and device rules of this spec can be undone.",
     "remove the annotation", "runc, docs/systemd.md"},
    {"VX-SPEC-0525", "annotations.device-injection", kWarning, kAll, "annotations",
     "cdi.k8s.io/* and its like make the engine add devices, mounts and hooks after this review.",
     "remove the annotation and review the spec that results", "CDI specification"},
    {"VX-SPEC-0530", "linux.intel-rdt", kNote, kAll, "linux.intelRdt",
     "Cache and bandwidth classes are the node's: a shared class lets the code slow others and "
     "measure them.",
     "leave it out", "OCI runtime-spec, config-linux.md, IntelRdt"},
    {"VX-SPEC-0531", "linux.personality", kWarning, kAll, "linux.personality",
     "Another execution domain changes the address layout (less of it random) and uses compat "
     "system calls.",
     "leave it out", "personality(2)"},
    {"VX-SPEC-0532", "linux.time-offsets", kNote, kAll, "linux.timeOffsets",
     "Monotonic and boot time differ from the host's: deadlines that the code measures itself are "
     "wrong; the wall clock is not affected.",
     "leave it out", "time_namespaces(7)"},
    {"VX-SPEC-0533", "linux.net-devices", kHigh, kAll, "linux.netDevices",
     "A network interface of the host is moved inside: the code sends what it likes on that link.",
     "leave it out", "OCI runtime-spec 1.3, config-linux.md, Network devices"},
    {"VX-SPEC-0534", "linux.memory-policy", kNote, kAll, "linux.memoryPolicy",
     "Memory is bound to nodes of the machine that other jobs need too.", "leave it out",
     "OCI runtime-spec 1.3, set_mempolicy(2)"},
};

}  // namespace

std::span<const Rule> NamespaceRules() { return kNamespaces; }
std::span<const Rule> HostRules() { return kHost; }

}  // namespace vortex::review
