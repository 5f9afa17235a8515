// SPDX-License-Identifier: Apache-2.0
#include "review/rules.h"

namespace vortex::review {
namespace {

using enum Severity;

constexpr Rule Filter(std::string_view id, std::string_view name, Severity severity,
                      std::string_view attack, std::string_view fix, std::string_view source) {
  return {id, name, severity, Scope::kHostSeccomp, "linux.seccomp", attack, fix, source};
}

constexpr Rule kSeccomp[] = {
    Filter("VX-SPEC-0200", "seccomp.absent", kHigh,
           "All of the kernel's some 350 system calls are open, the rarely used and badly tested "
           "ones included: most escapes by a kernel bug start with one of those.",
           "add a profile with a default of SCMP_ACT_ERRNO", "seccomp(2)"),
    Filter("VX-SPEC-0201", "seccomp.default-allow", kHigh,
           "A list of what is forbidden: calls that it forgets, and those of later kernels, are "
           "allowed. SCMP_ACT_LOG allows as well.",
           "a default of SCMP_ACT_ERRNO and a list of what is allowed", "seccomp(2)"),
    Filter("VX-SPEC-0202", "seccomp.foreign-architecture", kWarning,
           "32 bit and x32 entry points have other numbers and much less tested code in the kernel "
           "(compat); rules with arguments often do not hold there.",
           "only the machine's own architecture", "seccomp(2), arch"),
    Filter("VX-SPEC-0203", "seccomp.notify-without-listener", kHigh,
           "SCMP_ACT_NOTIFY asks a listener that is not named: runtimes refuse the spec, or the "
           "call waits for ever.",
           "set listenerPath, or refuse the call", "seccomp_unotify(2)"),
    Filter("VX-SPEC-0204", "seccomp.errno-zero", kWarning,
           "An error of 0 makes the call look successful without having happened: programs go on "
           "as if they had dropped rights or written data.",
           "errnoRet 1 (EPERM) or 38 (ENOSYS)", "seccomp(2), SECCOMP_RET_ERRNO"),
    Filter("VX-SPEC-0205", "seccomp.repeated-argument", kHigh,
           "Two conditions on the same argument in one rule: runc and crun make them alternatives, "
           "so either is enough, although all conditions of a rule should hold.",
           "one condition for each argument; a masked comparison for flags",
           "runc, libcontainer/seccomp"),
    Filter("VX-SPEC-0206", "seccomp.contradiction", kWarning,
           "One rule allows the call and another refuses it without looking at arguments: which "
           "one wins depends on libseccomp's version.",
           "one unconditional rule for each call", "seccomp_rule_add(3)"),
    Filter("VX-SPEC-0207", "seccomp.spec-allow", kWarning,
           "SECCOMP_FILTER_FLAG_SPEC_ALLOW switches the protection against speculative store "
           "bypass off.",
           "remove the flag", "seccomp(2); CVE-2018-3639"),
    Filter("VX-SPEC-0208", "seccomp.unknown-word", kHigh,
           "An action, operator, flag or architecture that libseccomp does not know: refused by "
           "runtimes, or the rule is skipped.",
           "use the names of the OCI spec", "OCI runtime-spec, config-linux.md, Seccomp"),
    Filter("VX-SPEC-0209", "seccomp.trace", kWarning,
           "SCMP_ACT_TRACE leaves the decision to a tracer, which may change or skip the call; "
           "without one it fails with ENOSYS.",
           "SCMP_ACT_ERRNO", "seccomp(2), SECCOMP_RET_TRACE"),
    Filter("VX-SPEC-0220", "seccomp.mount", kHigh,
           "Mounting from inside, with CAP_SYS_ADMIN or in a user namespace that the code makes: "
           "masked paths are uncovered, file system parsers are reached (CVE-2022-0185).",
           "do not allow mount, umount2, pivot_root, fsopen and the rest of the family",
           "mount(2); CVE-2022-0185"),
    Filter("VX-SPEC-0221", "seccomp.ptrace", kHigh,
           "Code can be put into other processes of the same user, the sandbox's init among them; "
           "and its kernel code had many holes (CVE-2019-13272).",
           "do not allow ptrace, process_vm_readv, process_vm_writev, pidfd_getfd, kcmp",
           "ptrace(2); CVE-2019-13272"),
    Filter("VX-SPEC-0222", "seccomp.bpf", kHigh,
           "eBPF programs are compiled into the host's kernel; the verifier that should keep them "
           "harmless failed often (CVE-2021-3490, CVE-2023-2163).",
           "do not allow bpf", "bpf(2); CVE-2021-3490"),
    Filter("VX-SPEC-0223", "seccomp.keyring", kHigh,
           "Keyrings are not namespaced: keys of other containers with the same uid can be read, "
           "and its reference counting was an escape (CVE-2016-0728).",
           "do not allow keyctl, add_key, request_key", "keyctl(2); CVE-2016-0728"),
    Filter("VX-SPEC-0224", "seccomp.userfaultfd", kHigh,
           "The code stops the kernel inside a copy and wins races at leisure: a helper of most "
           "use-after-free exploits.",
           "do not allow userfaultfd", "userfaultfd(2); CVE-2021-22555"),
    Filter("VX-SPEC-0225", "seccomp.io-uring", kHigh,
           "Requests in the ring pass by this filter (open, connect, send), and its code was the "
           "most exploited of recent years (CVE-2022-29582, CVE-2023-2598).",
           "refuse io_uring_setup, io_uring_enter, io_uring_register with ENOSYS",
           "io_uring(7); CVE-2023-2598"),
    Filter("VX-SPEC-0226", "seccomp.unshare", kHigh,
           "New namespaces from inside: in a user namespace of its own the code has all "
           "capabilities over the others, and reaches kernel code that only root reaches "
           "(CVE-2022-0185, CVE-2024-1086).",
           "do not allow unshare", "unshare(2); CVE-2022-0185"),
    Filter("VX-SPEC-0227", "seccomp.setns", kHigh,
           "With a descriptor of another namespace the code joins it.", "do not allow setns",
           "setns(2)"),
    Filter("VX-SPEC-0228", "seccomp.file-handles", kHigh,
           "With CAP_DAC_READ_SEARCH, open_by_handle_at opens any file of the file system by its "
           "number, outside of the root (the \"shocker\" escape); name_to_handle_at gives "
           "numbers.",
           "do not allow open_by_handle_at and name_to_handle_at", "open_by_handle_at(2)"),
    Filter("VX-SPEC-0229", "seccomp.perf", kHigh,
           "Performance events time the kernel and other processes, and had many holes "
           "(CVE-2013-2094, CVE-2022-1729).",
           "do not allow perf_event_open", "perf_event_open(2); CVE-2022-1729"),
    Filter("VX-SPEC-0230", "seccomp.kexec-reboot", kHigh,
           "With the capability, another kernel is loaded or the machine restarted.",
           "do not allow kexec_load, kexec_file_load, reboot", "kexec_load(2), reboot(2)"),
    Filter("VX-SPEC-0231", "seccomp.modules", kCritical,
           "With CAP_SYS_MODULE, code of its choice in the host's kernel.",
           "do not allow init_module, finit_module, delete_module", "init_module(2)"),
    Filter("VX-SPEC-0232", "seccomp.clone-namespaces", kHigh,
           "clone with CLONE_NEWUSER makes a user namespace in which the code has all "
           "capabilities, and reaches kernel code that only root reaches (CVE-2022-0185, "
           "CVE-2024-1086).",
           "allow clone only where flags & 0x7e020000 is 0", "clone(2); CVE-2022-0185"),
    Filter("VX-SPEC-0233", "seccomp.clone3", kHigh,
           "clone3 has its flags behind a pointer, which no filter can read: allowing it allows "
           "every new namespace.",
           "refuse clone3 with ENOSYS (38), so that libc takes clone", "clone(2), clone3"),
    Filter("VX-SPEC-0234", "seccomp.ioctl-terminal", kHigh,
           "TIOCSTI and TIOCLINUX put characters into the terminal's input: commands for the "
           "shell behind it (CVE-2017-5226).",
           "list the ioctl requests that are needed", "ioctl_tty(2); CVE-2017-5226"),
    Filter("VX-SPEC-0235", "seccomp.ioctl-high-bits", kHigh,
           "The kernel looks at the low 32 bits of an ioctl request; a filter that compares 64 "
           "lets the same request pass with a high bit set (CVE-2019-10063).",
           "SCMP_CMP_MASKED_EQ with the mask 0xffffffff", "CVE-2019-10063"),
    Filter("VX-SPEC-0236", "seccomp.ioctl-unfiltered", kWarning,
           "Every driver's requests are open: ioctl is an entry of its own into each device, "
           "socket and file system.",
           "list the ioctl requests that are needed", "ioctl(2)"),
    Filter("VX-SPEC-0237", "seccomp.port-io", kCritical,
           "With CAP_SYS_RAWIO, the machine's i/o ports.", "do not allow iopl, ioperm", "iopl(2)"),
    Filter("VX-SPEC-0238", "seccomp.node-administration", kHigh,
           "Swap, accounting, quota, the kernel's log and names are the node's; each needs a "
           "capability, and none belongs into a sandbox.",
           "do not allow swapon, swapoff, acct, quotactl, syslog, sethostname, setdomainname, "
           "vhangup",
           "syscalls(2)"),
    Filter("VX-SPEC-0239", "seccomp.clock", kHigh,
           "With CAP_SYS_TIME, the node's clock is set: certificates, logs and leases go wrong.",
           "do not allow settimeofday, clock_settime, clock_adjtime, adjtimex, stime",
           "clock_settime(2)"),
    Filter("VX-SPEC-0240", "seccomp.personality", kWarning,
           "Other personalities switch address randomisation off (ADDR_NO_RANDOMIZE) or make every "
           "readable page executable.",
           "allow personality only with 0, 8 and 0xffffffff", "personality(2)"),
    Filter(
        "VX-SPEC-0241", "seccomp.socket-families", kWarning,
        "Netlink, packet, vsock, AF_ALG, bluetooth, can and others: large kernel code, loaded as "
        "a module when first asked for (CVE-2016-10150, CVE-2021-26708, CVE-2017-7308); vsock "
        "reaches the host past the network namespace.",
        "allow socket for AF_UNIX, AF_INET, AF_INET6 only",
        "socket(2); CVE-2021-26708, CVE-2017-7308"),
    Filter("VX-SPEC-0242", "seccomp.raw-sockets", kWarning,
           "With CAP_NET_RAW, raw IP packets: forged senders, reading ICMP and more of its links.",
           "allow socket types SOCK_STREAM and SOCK_DGRAM only", "raw(7)"),
    Filter("VX-SPEC-0243", "seccomp.other-transports", kNote,
           "SCTP, MPTCP, UDP-Lite and ping sockets: kernel code that a job rarely needs.",
           "allow protocol 0, 6 and 17 only", "socket(2), ip(7)"),
    Filter("VX-SPEC-0244", "seccomp.device-nodes", kWarning, "With CAP_MKNOD, device nodes.",
           "allow mknod for regular files and FIFOs only", "mknod(2)"),
    Filter("VX-SPEC-0245", "seccomp.huge-pages", kNote,
           "Huge pages are a pool of the node that memory cgroups do not count.",
           "allow mmap without MAP_HUGETLB, memfd_create without MFD_HUGETLB, shmget without "
           "SHM_HUGETLB",
           "mmap(2), hugetlb"),
    Filter("VX-SPEC-0246", "seccomp.limits-of-others", kNote,
           "prlimit64 on another process of the same user, the sandbox's init: a cpu limit of a "
           "second ends it.",
           "allow prlimit64 with pid 0 only", "prlimit(2)"),
    Filter("VX-SPEC-0247", "seccomp.kernel-aio", kNote,
           "fs.aio-max-nr is one number for the whole node: the code can use it up.",
           "refuse io_setup and its family with ENOSYS", "io_setup(2)"),
    Filter("VX-SPEC-0248", "seccomp.rare-calls", kWarning,
           "Old or rare calls with little testing and a history of holes: a larger attack surface "
           "without use.",
           "do not allow them", "syscalls(2); CVE-2017-5123"),
    Filter("VX-SPEC-0249", "seccomp.watch-file-system", kHigh,
           "fanotify watches, and can hold up, opens of files on a whole mount.",
           "do not allow fanotify_init and fanotify_mark", "fanotify(7)"),
    Filter("VX-SPEC-0250", "seccomp.chroot", kWarning,
           "With CAP_SYS_CHROOT, a process with an open directory leaves its root.",
           "do not allow chroot", "chroot(2)"),
    Filter("VX-SPEC-0251", "seccomp.memory-of-others", kNote,
           "Calls that look at or steer memory of other processes or of the page cache: side "
           "channels.",
           "refuse process_madvise, process_mrelease, cachestat, move_pages, migrate_pages",
           "process_madvise(2)"),
    Filter("VX-SPEC-0252", "seccomp.unlisted-call", kNote,
           "The call is neither in our list of plain calls nor in one of the dangerous groups: "
           "nobody has judged it yet.",
           "check what it does, or do not allow it", "syscalls(2)"),
};

}  // namespace

std::span<const Rule> SeccompRules() { return kSeccomp; }

}  // namespace vortex::review
