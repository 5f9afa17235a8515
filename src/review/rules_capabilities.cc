// SPDX-License-Identifier: Apache-2.0
// One rule for each capability; the last digits of the id are 100 + the capability's number.
//   Source  capabilities(7), include/uapi/linux/capability.h
#include "review/rules.h"

namespace vortex::review {
namespace {

using enum Severity;

constexpr Rule Cap(std::string_view id, std::string_view name, Severity severity,
                   std::string_view attack, std::string_view source = "capabilities(7)") {
  return {id,
          name,
          severity,
          Scope::kAll,
          "process.capabilities",
          attack,
          "remove the capability from every set; what needs it belongs outside of the sandbox",
          source};
}

constexpr Rule kCapabilities[] = {
    Cap("VX-SPEC-0100", "capabilities.chown", kWarning,
        "Gives any file it reaches to itself: on a writable mount, other users' files."),
    Cap("VX-SPEC-0101", "capabilities.dac-override", kHigh,
        "Reads and writes every file it reaches, whatever its mode: on a mount, other users' data "
        "and the host's configuration."),
    Cap("VX-SPEC-0102", "capabilities.dac-read-search", kHigh,
        "Reads every file, and with open_by_handle_at those outside of the container's root (the "
        "\"shocker\" escape)."),
    Cap("VX-SPEC-0103", "capabilities.fowner", kWarning,
        "Changes mode and attributes of files that others own."),
    Cap("VX-SPEC-0104", "capabilities.fsetid", kWarning,
        "Keeps setuid bits on files that it changes: a setuid program with its own content."),
    Cap("VX-SPEC-0105", "capabilities.kill", kWarning,
        "Signals processes of other users, the sandbox's own init among them."),
    Cap("VX-SPEC-0106", "capabilities.setgid", kWarning,
        "Takes any group that the namespace maps, and drops groups that forbid."),
    Cap("VX-SPEC-0107", "capabilities.setuid", kWarning,
        "Becomes any user that the namespace maps, root inside included."),
    Cap("VX-SPEC-0108", "capabilities.setpcap", kWarning,
        "Moves capabilities from the bounding set to the inheritable one, for a program that then "
        "has them."),
    Cap("VX-SPEC-0109", "capabilities.linux-immutable", kWarning,
        "Clears the immutable and append-only marks that protect logs and programs on a mount."),
    Cap("VX-SPEC-0110", "capabilities.net-bind-service", kWarning,
        "Listens on ports below 1024 of its network namespace: it can pass for a service there."),
    Cap("VX-SPEC-0111", "capabilities.net-broadcast", kNote,
        "Unused by the kernel; somebody thought it does something."),
    Cap("VX-SPEC-0112", "capabilities.net-admin", kHigh,
        "Changes interfaces, routes and firewall rules of its network namespace, and opens "
        "netfilter, whose bugs are a usual way to root (CVE-2022-25636, CVE-2024-1086).",
        "capabilities(7); CVE-2022-25636, CVE-2024-1086"),
    Cap("VX-SPEC-0113", "capabilities.net-raw", kHigh,
        "Raw and packet sockets: forged ARP, DNS and IP on its links, reading what passes by "
        "(CVE-2020-14386 is an escape by packet sockets).",
        "capabilities(7); CVE-2020-14386"),
    Cap("VX-SPEC-0114", "capabilities.ipc-lock", kWarning,
        "Locks memory without a limit, huge pages included: memory that the node cannot reclaim."),
    Cap("VX-SPEC-0115", "capabilities.ipc-owner", kWarning,
        "Reads and writes System V shared memory and queues of other users."),
    Cap("VX-SPEC-0116", "capabilities.sys-module", kCritical,
        "Loads a kernel module: code of its choice in the host's kernel."),
    Cap("VX-SPEC-0117", "capabilities.sys-rawio", kCritical,
        "i/o ports, /dev/mem, raw SCSI commands: the machine's memory and disks."),
    Cap("VX-SPEC-0118", "capabilities.sys-chroot", kWarning,
        "Calls chroot, by which a process with an open directory leaves a root, and which fools "
        "setuid programs."),
    Cap("VX-SPEC-0119", "capabilities.sys-ptrace", kCritical,
        "Reads and writes the memory of every process it sees; with the host's pid namespace, code "
        "in any service of the node."),
    Cap("VX-SPEC-0120", "capabilities.sys-pacct", kWarning,
        "Switches process accounting on, with a file of its choice that the kernel writes."),
    Cap("VX-SPEC-0121", "capabilities.sys-admin", kCritical,
        "The new root: mount, setns, cgroup release_agent (CVE-2022-0492), device and file system "
        "administration; a container with it is not a boundary.",
        "capabilities(7); CVE-2022-0492, CVE-2022-0185"),
    Cap("VX-SPEC-0122", "capabilities.sys-boot", kHigh,
        "Reboots the machine, or loads another kernel with kexec."),
    Cap("VX-SPEC-0123", "capabilities.sys-nice", kWarning,
        "Real-time priority and other processes' scheduling: the node's services wait."),
    Cap("VX-SPEC-0124", "capabilities.sys-resource", kHigh,
        "Passes over resource limits, disk quotas and reserved blocks: the limits of this spec do "
        "not hold."),
    Cap("VX-SPEC-0125", "capabilities.sys-time", kHigh,
        "Sets the node's clock: certificates, logs and leases of everybody go wrong."),
    Cap("VX-SPEC-0126", "capabilities.sys-tty-config", kWarning,
        "vhangup and terminal settings of the node's consoles."),
    Cap("VX-SPEC-0127", "capabilities.mknod", kHigh,
        "Makes device nodes; with a device rule that allows it, opens the disk (docker's old "
        "default, and a step in many escapes)."),
    Cap("VX-SPEC-0128", "capabilities.lease", kWarning,
        "Takes leases on files of others and so delays whoever opens them."),
    Cap("VX-SPEC-0129", "capabilities.audit-write", kWarning,
        "Writes forged records into the node's audit log, and can flood it."),
    Cap("VX-SPEC-0130", "capabilities.audit-control", kHigh,
        "Switches the node's audit off and changes its rules."),
    Cap("VX-SPEC-0131", "capabilities.setfcap", kWarning,
        "Gives files capabilities, and maps root of the parent into new user namespaces."),
    Cap("VX-SPEC-0132", "capabilities.mac-override", kHigh,
        "Is not held by mandatory access control (Smack)."),
    Cap("VX-SPEC-0133", "capabilities.mac-admin", kHigh,
        "Changes the node's mandatory access control: its own confinement included."),
    Cap("VX-SPEC-0134", "capabilities.syslog", kHigh,
        "Reads the kernel log and kernel addresses, which defeats address randomisation."),
    Cap("VX-SPEC-0135", "capabilities.wake-alarm", kNote, "Wakes the machine from suspend."),
    Cap("VX-SPEC-0136", "capabilities.block-suspend", kNote, "Keeps the machine from suspending."),
    Cap("VX-SPEC-0137", "capabilities.audit-read", kHigh,
        "Reads the node's audit log: what everybody on it does."),
    Cap("VX-SPEC-0138", "capabilities.perfmon", kHigh,
        "Performance events: timing of the kernel and of other processes, kernel addresses; its "
        "code had many holes."),
    Cap("VX-SPEC-0139", "capabilities.bpf", kHigh,
        "Loads eBPF programs into the host's kernel, whose verifier had many holes "
        "(CVE-2021-31440, CVE-2023-2163).",
        "capabilities(7); CVE-2021-31440, CVE-2023-2163"),
    Cap("VX-SPEC-0140", "capabilities.checkpoint-restore", kHigh,
        "Chooses process ids and reads /proc/*/map_files of others."),
    Cap("VX-SPEC-0198", "capabilities.unspecified", kWarning,
        "Without process.capabilities the runtime decides which are left.",
        "OCI runtime-spec, config.md, Linux process"),
    Cap("VX-SPEC-0199", "capabilities.unknown", kWarning,
        "A name that this audit does not know: a later kernel's, or misspelt and then skipped or "
        "refused.",
        "capabilities(7)"),
};

}  // namespace

std::span<const Rule> CapabilityRules() { return kCapabilities; }

}  // namespace vortex::review
