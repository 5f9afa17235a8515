// SPDX-License-Identifier: Apache-2.0
#include "review/rules.h"

namespace vortex::review {
namespace {

using enum Severity;
using enum Scope;

constexpr Rule kShape[] = {
    {"VX-SPEC-0001", "spec.unknown-field", kWarning, kAll, "any",
     "Some runtime may act on a field that this audit cannot judge; a misspelt hardening field is "
     "ignored in silence and the hardening is not there.",
     "remove the field or correct its spelling", "OCI runtime-spec, config.md, Extensibility"},
    {"VX-SPEC-0002", "spec.wrong-type", kHigh, kAll, "any",
     "Runtimes either refuse the spec or skip the value, so what it was meant to restrict may stay "
     "open.",
     "give the type that the OCI schema asks for", "OCI runtime-spec, schema/"},
    {"VX-SPEC-0003", "spec.case-variant-field", kHigh, kAll, "any",
     "Go's JSON decoder, and with it runc, runsc and containerd, takes field names without regard "
     "to case; crun does not. The same spec is two specs, and a reviewer reads the harmless one.",
     "spell the field as the OCI spec does, and once", "Go encoding/json, Unmarshal"},
    {"VX-SPEC-0004", "spec.nul-in-string", kHigh, kAll, "any",
     "The kernel and C programs end a string at its NUL: what is reviewed is not what is used.",
     "remove the NUL", "execve(2), mount(2)"},
    {"VX-SPEC-0005", "spec.foreign-platform", kNote, kAll, "windows, solaris, vm, zos, freebsd",
     "Not judged here: these sections are for other platforms, and vm is read by virtual machine "
     "runtimes.",
     "leave the section out", "OCI runtime-spec, config.md, Platform-specific configuration"},
    {"VX-SPEC-0006", "spec.missing-section", kHigh, kAll, "linux, process, root",
     "Without the section every restriction in it is absent.", "generate a whole spec",
     "OCI runtime-spec, config.md"},
    {"VX-SPEC-0007", "spec.oci-version", kNote, kAll, "ociVersion",
     "A runtime may read fields in another sense than this audit, which knows 1.0 to 1.3.",
     "use a released version of the OCI spec",
     "OCI runtime-spec, config.md, Specification version"},
};

constexpr Rule kProcess[] = {
    {"VX-SPEC-0050", "process.root-user", kHigh, kAll, "process.user.uid",
     "Code that runs as root owns every file of the image and of mounts with the same mapping, and "
     "any later hole (a kernel bug, a leaked descriptor as in CVE-2019-5736) starts from root.",
     "run as a user without meaning on the host, for example 65532",
     "OCI runtime-spec, config.md, User; CVE-2019-5736"},
    {"VX-SPEC-0051", "process.root-group", kWarning, kAll, "process.user.gid",
     "Group 0 reads and writes whatever the image or a mount lets root's group touch.",
     "use a group of its own", "OCI runtime-spec, config.md, User"},
    {"VX-SPEC-0052", "process.additional-groups", kWarning, kAll, "process.user.additionalGids",
     "A group of the host (disk, docker, kvm, root) opens its files and devices on every mount.",
     "remove the groups", "credentials(7)"},
    {"VX-SPEC-0053", "process.privileges-may-grow", kHigh, kAll, "process.noNewPrivileges",
     "A setuid program or one with file capabilities, in the image or on a mount, gives the code "
     "more rights than it was started with.",
     "set noNewPrivileges to true", "PR_SET_NO_NEW_PRIVS, prctl(2)"},
    {"VX-SPEC-0054", "process.terminal", kWarning, kAll, "process.terminal",
     "The code may push characters into the terminal with TIOCSTI or escape sequences that make "
     "it answer, and so type commands into the shell of whoever watches (CVE-2017-5226).",
     "set terminal to false", "ioctl_tty(2); CVE-2017-5226"},
    {"VX-SPEC-0055", "process.umask", kNote, kAll, "process.user.umask",
     "Files are made writable for group or others, or as containerd's own umask says, so another "
     "user of a shared mount may change them.",
     "set umask to 18 (octal 022) or stricter", "umask(2)"},
    {"VX-SPEC-0056", "process.oom-protected", kNote, kAll, "process.oomScoreAdj",
     "When the node runs out of memory the kernel kills its services before this container. "
     "Absent, the runtime's own score is inherited, which is often -999.",
     "set oomScoreAdj above 0", "proc(5), oom_score_adj"},
    {"VX-SPEC-0058", "process.apparmor-unconfined", kWarning, kHostLsm, "process.apparmorProfile",
     "The profile that would stop writes to /proc/sys and mounts after an escape from the other "
     "controls is switched off by name.",
     "name a loaded profile or leave the field out", "OCI runtime-spec, config.md, Linux process"},
    {"VX-SPEC-0059", "process.selinux-unconfined", kHigh, kHostLsm, "process.selinuxLabel",
     "The process runs in a domain that SELinux does not confine, or that may manage containers.",
     "use the container_t domain with categories of its own", "OCI runtime-spec, Linux process"},
    {"VX-SPEC-0060", "process.env-secret", kWarning, kAll, "process.env",
     "Untrusted code reads its environment first, and the spec itself lies in files, logs and "
     "containerd's database.",
     "pass secrets by another way, or not at all", "environ(7)"},
    {"VX-SPEC-0061", "process.env-loader", kWarning, kAll, "process.env",
     "The variable makes the loader or interpreter run code of the variable's choice in every "
     "program that starts, the sandbox's own init included (GLIBC_TUNABLES: CVE-2023-4911).",
     "remove the variable", "ld.so(8); CVE-2023-4911"},
    {"VX-SPEC-0062", "process.realtime", kWarning, kAll, "process.scheduler, process.ioPriority",
     "Real-time scheduling or i/o class runs before the node's own services and can stop them.",
     "leave the scheduler and the i/o priority at their defaults", "sched(7), ioprio_set(2)"},
    {"VX-SPEC-0063", "process.cwd-descriptor", kCritical, kAll, "process.cwd",
     "A working directory below /proc/self/fd enters a descriptor that the runtime left open and "
     "shows the host's file system (CVE-2024-21626).",
     "use a plain absolute path of the image", "CVE-2024-21626"},
    {"VX-SPEC-0064", "process.no-lsm", kNote, kHostLsm, "process.apparmorProfile, selinuxLabel",
     "Neither AppArmor nor SELinux confines the process beyond the node's default, so nothing "
     "stands behind namespaces and seccomp when one of them fails.",
     "name a profile where the node has one", "OCI runtime-spec, config.md, Linux process"},
    {"VX-SPEC-0070", "rlimits.core", kWarning, kAll, "process.rlimits",
     "A crash makes the kernel start the host's core_pattern program, as root on the host, with "
     "input that the code chose (systemd-coredump: CVE-2025-4598), or fills the disk.",
     "RLIMIT_CORE 0, soft and hard", "core(5), getrlimit(2); CVE-2025-4598"},
    {"VX-SPEC-0071", "rlimits.nofile", kWarning, kAll, "process.rlimits",
     "Descriptors pin kernel memory; without a limit the code takes what the runtime inherited, "
     "often a million.",
     "RLIMIT_NOFILE of what the job needs, for example 1024", "getrlimit(2)"},
    {"VX-SPEC-0072", "rlimits.nproc", kWarning, kAll, "process.rlimits",
     "Nothing else bounds the number of processes here, so a fork bomb takes the node or kills the "
     "whole sandbox.",
     "RLIMIT_NPROC of what the job needs", "getrlimit(2)"},
    {"VX-SPEC-0073", "rlimits.fsize", kNote, kAll, "process.rlimits",
     "One file may grow until the disk behind a writable mount is full.",
     "RLIMIT_FSIZE of what the job needs", "getrlimit(2)"},
    {"VX-SPEC-0074", "rlimits.inherited", kNote, kAll, "process.rlimits",
     "The limits are whatever the runtime happens to have, so the same spec differs between nodes: "
     "locked memory, priorities, stack.",
     "set MEMLOCK, NICE, RTPRIO and STACK as well", "getrlimit(2)"},
    {"VX-SPEC-0075", "rlimits.priority", kWarning, kAll, "process.rlimits",
     "The code may raise its own priority above that of the node's services.",
     "RLIMIT_NICE 0 and RLIMIT_RTPRIO 0", "getrlimit(2), sched(7)"},
    {"VX-SPEC-0076", "rlimits.soft-below-hard", kNote, kAll, "process.rlimits",
     "The code raises the soft limit to the hard one when it likes: only the hard one counts.",
     "make both equal", "getrlimit(2)"},
    {"VX-SPEC-0077", "rlimits.malformed", kWarning, kAll, "process.rlimits",
     "Runtimes refuse a type that is unknown or there twice, or take one of the two.",
     "one entry for each known type", "OCI runtime-spec, config.md, POSIX process"},
    {"VX-SPEC-0078", "rlimits.memlock", kWarning, kAll, "process.rlimits",
     "Locked memory cannot be reclaimed, and many kernel exploits need pages that stay in place.",
     "RLIMIT_MEMLOCK of at most some megabytes", "mlock(2)"},
};

}  // namespace

std::span<const Rule> ShapeRules() { return kShape; }
std::span<const Rule> ProcessRules() { return kProcess; }

}  // namespace vortex::review
