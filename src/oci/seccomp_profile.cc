// SPDX-License-Identifier: Apache-2.0
#include "oci/seccomp_profile.h"

#include <cerrno>

#include "oci/seccomp_watch.h"

namespace vortex::oci {
namespace {

constexpr char kAllow[] = "SCMP_ACT_ALLOW";
constexpr char kErrno[] = "SCMP_ACT_ERRNO";

// Harmless without capabilities, or about the caller's own memory, files, signals and time only.
std::vector<std::string> PlainSyscalls() {
  return {
      // files; namespaces, read-only mounts and permissions decide what they reach
      "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat",
      "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir",
      "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr",
      "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync", "ftruncate",
      "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "lchown", "lgetxattr", "link",
      "linkat", "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "mkdir",
      "mkdirat", "newfstatat", "open", "openat", "openat2", "pread64", "preadv", "preadv2",
      "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv",
      "removexattr", "rename", "renameat", "renameat2", "rmdir", "sendfile", "setxattr", "splice",
      "stat", "statfs", "statx", "symlink", "symlinkat", "sync_file_range", "tee", "truncate",
      "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes", "write", "writev",
      // memory
      "brk", "madvise", "membarrier", "mlock", "mlock2", "mlockall", "mprotect", "mremap", "msync",
      "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
      // processes, threads, signals
      "alarm", "arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group", "fork",
      "futex", "futex_waitv", "get_robust_list", "getcpu", "getegid", "geteuid", "getgid",
      "getgroups", "getitimer", "getpgid", "getpgrp", "getpid", "getppid", "getpriority",
      "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "getuid", "kill",
      "pause", "pidfd_open", "pidfd_send_signal", "restart_syscall", "rseq", "rt_sigaction",
      "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
      "rt_sigtimedwait", "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min",
      "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler",
      "sched_rr_get_interval", "sched_setaffinity", "sched_setattr", "sched_setparam",
      "sched_setscheduler", "sched_yield", "set_robust_list", "set_tid_address", "setfsgid",
      "setfsuid", "setgid", "setgroups", "setitimer", "setpgid", "setpriority", "setregid",
      "setresgid", "setresuid", "setreuid", "setrlimit", "setsid", "setuid", "sigaltstack",
      "tgkill", "tkill", "vfork", "wait4", "waitid",
      // waiting and time
      "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_create", "epoll_create1",
      "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2",
      "gettimeofday", "nanosleep", "pipe", "pipe2", "poll", "ppoll", "pselect6", "select",
      "signalfd", "signalfd4", "time", "timer_create", "timer_delete", "timer_getoverrun",
      "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime", "timerfd_settime",
      "times",
      // sockets of the families that socket(2) below lets through; the network namespace has only
      // lo
      "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
      "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "shutdown",
      // a program narrowing itself
      "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self",
      // facts about the system
      "getrandom", "sysinfo", "uname"};
}

// Programs look whether these are there, and go on without them when the kernel "does not have"
// them; EPERM would make them fail.
//   clone3            its flags lie behind a pointer that a filter cannot read; libc falls back to
//   clone io_uring_*        its opens and connects pass by seccomp io_* (aio)        fs.aio-max-nr
//   is one number for the whole node: a plugin could use it up cachestat         tells which pages
//   of a shared file are in the page cache the rest          too new to be needed
const std::vector<std::string>& AbsentSyscalls() {
  static const std::vector<std::string> names = {"cachestat",
                                                 "clone3",
                                                 "futex_requeue",
                                                 "futex_wait",
                                                 "futex_wake",
                                                 "io_cancel",
                                                 "io_destroy",
                                                 "io_getevents",
                                                 "io_pgetevents",
                                                 "io_setup",
                                                 "io_submit",
                                                 "io_uring_enter",
                                                 "io_uring_register",
                                                 "io_uring_setup",
                                                 "map_shadow_stack",
                                                 "memfd_secret",
                                                 "process_madvise",
                                                 "process_mrelease",
                                                 "set_mempolicy_home_node"};
  return names;
}

// What isatty, set_blocking, set_inheritable, get_terminal_size and the socket module ask. Not
// among them: TIOCSTI and TIOCLINUX, which type into a terminal.
constexpr std::uint64_t kPlainIoctls[] = {0x5401 /* TCGETS */,      0x802c542a /* TCGETS2 */,
                                          0x5413 /* TIOCGWINSZ */,  0x541b /* FIONREAD */,
                                          0x5421 /* FIONBIO */,     0x5450 /* FIONCLEX */,
                                          0x5451 /* FIOCLEX */,     0x5452 /* FIOASYNC */,
                                          0x5460 /* FIOQSIZE */,    0x8910 /* SIOCGIFNAME */,
                                          0x8912 /* SIOCGIFCONF */, 0x8913 /* SIOCGIFFLAGS */,
                                          0x8915 /* SIOCGIFADDR */, 0x8933 /* SIOCGIFINDEX */};

// Of prctl, what concerns the caller's name, signals, timers and own rights. Not among them:
// PR_SET_SECCOMP and PR_SET_MM, and whatever a later kernel adds. A filter of the plugin's own is a
// program of its choice for the kernel's compiler, which seccomp(2) is refused for, too.
constexpr std::uint64_t kPlainPrctls[] = {1 /* PR_SET_PDEATHSIG */,
                                          2 /* PR_GET_PDEATHSIG */,
                                          3 /* PR_GET_DUMPABLE */,
                                          4 /* PR_SET_DUMPABLE */,
                                          7 /* PR_GET_KEEPCAPS */,
                                          8 /* PR_SET_KEEPCAPS */,
                                          15 /* PR_SET_NAME */,
                                          16 /* PR_GET_NAME */,
                                          21 /* PR_GET_SECCOMP */,
                                          23 /* PR_CAPBSET_READ */,
                                          24 /* PR_CAPBSET_DROP */,
                                          27 /* PR_GET_SECUREBITS */,
                                          29 /* PR_SET_TIMERSLACK */,
                                          30 /* PR_GET_TIMERSLACK */,
                                          36 /* PR_SET_CHILD_SUBREAPER */,
                                          37 /* PR_GET_CHILD_SUBREAPER */,
                                          38 /* PR_SET_NO_NEW_PRIVS */,
                                          39 /* PR_GET_NO_NEW_PRIVS */,
                                          40 /* PR_GET_TID_ADDRESS */,
                                          41 /* PR_SET_THP_DISABLE */,
                                          42 /* PR_GET_THP_DISABLE */,
                                          47 /* PR_CAP_AMBIENT */,
                                          51 /* PR_SVE_GET_VL */,
                                          52 /* PR_GET_SPECULATION_CTRL */,
                                          53 /* PR_SET_SPECULATION_CTRL */,
                                          54 /* PR_PAC_RESET_KEYS */,
                                          55 /* PR_SET_TAGGED_ADDR_CTRL */,
                                          56 /* PR_GET_TAGGED_ADDR_CTRL */,
                                          0x53564d41 /* PR_SET_VMA */,
                                          0x59616d61 /* PR_SET_PTRACER */};

// Options of TCP. Not among them: TCP_ULP, which puts TLS or another protocol of the kernel's into
// a connection; TCP_REPAIR, TCP_MD5SIG and their like.
constexpr std::uint64_t kTcpOptions[] = {1 /* TCP_NODELAY */,        2 /* TCP_MAXSEG */,
                                         3 /* TCP_CORK */,           4 /* TCP_KEEPIDLE */,
                                         5 /* TCP_KEEPINTVL */,      6 /* TCP_KEEPCNT */,
                                         7 /* TCP_SYNCNT */,         8 /* TCP_LINGER2 */,
                                         9 /* TCP_DEFER_ACCEPT */,   10 /* TCP_WINDOW_CLAMP */,
                                         12 /* TCP_QUICKACK */,      13 /* TCP_CONGESTION */,
                                         18 /* TCP_USER_TIMEOUT */,  23 /* TCP_FASTOPEN */,
                                         25 /* TCP_NOTSENT_LOWAT */, 30 /* TCP_FASTOPEN_CONNECT */};

constexpr char kEqual[] = "SCMP_CMP_EQ";
// In the OCI spec value is the mask and value_two what must be left.
constexpr char kMasked[] = "SCMP_CMP_MASKED_EQ";

SeccompRule Allow(std::vector<std::string> names, std::vector<SeccompArg> args = {}) {
  return {std::move(names), kAllow, std::nullopt, std::move(args)};
}

SeccompRule AllowWithout(const char* name, std::uint32_t index, std::uint64_t flags) {
  return Allow({name}, {{index, flags, 0, kMasked}});
}

// AF_UNIX, and TCP and UDP over AF_INET and AF_INET6: no netlink, packet, vsock, alg, bluetooth …,
// no SCTP, MPTCP or UDP-Lite. That code is large, reachable without privileges, and loaded as a
// module when first asked for.
void AllowSockets(bool raw_sockets, std::vector<SeccompRule>& out) {
  constexpr std::uint64_t kTypeMask = 0xf;  // SOCK_NONBLOCK and SOCK_CLOEXEC lie above
  constexpr std::uint64_t kStream = 1, kDatagram = 2, kRaw = 3, kAnyProtocol = 0, kTcp = 6,
                          kUdp = 17;
  out.push_back(Allow({"socket", "socketpair"}, {{0, 1 /* AF_UNIX */, 0, kEqual}}));
  for (std::uint64_t family : {2U /* AF_INET */, 10U /* AF_INET6 */}) {
    const auto allow = [&](std::uint64_t type, std::uint64_t protocol) {
      out.push_back(
          Allow({"socket"},
                {{0, family, 0, kEqual}, {1, kTypeMask, type, kMasked}, {2, protocol, 0, kEqual}}));
    };
    allow(kStream, kAnyProtocol);
    allow(kStream, kTcp);
    allow(kDatagram, kAnyProtocol);
    allow(kDatagram, kUdp);
    if (raw_sockets)
      out.push_back(Allow({"socket"}, {{0, family, 0, kEqual}, {1, kTypeMask, kRaw, kMasked}}));
  }
}

// Every ioctl is an entry into some driver. The kernel looks at the low 32 bits of the request
// only, so the filter must as well. A granted device has requests of its own, which its driver has
// to answer for.
void AllowIoctls(bool device_ioctls, std::vector<SeccompRule>& out) {
  if (device_ioctls) return out.push_back(Allow({"ioctl"}));
  for (std::uint64_t request : kPlainIoctls)
    out.push_back(Allow({"ioctl"}, {{1, 0xffffffff, request, kMasked}}));
}

// The kernel takes an int of each of these; a filter compares 64 bits unless it masks.
constexpr std::uint64_t kInt = 0xffffffff;

void AllowPrctls(std::vector<SeccompRule>& out) {
  for (const std::uint64_t option : kPlainPrctls)
    out.push_back(Allow({"prctl"}, {{0, kInt, option, kMasked}}));
}

void AllowSocketOptions(std::vector<SeccompRule>& out) {
  for (const std::uint64_t level : {0U /* SOL_IP */, 1U /* SOL_SOCKET */, 41U /* SOL_IPV6 */})
    out.push_back(Allow({"setsockopt"}, {{1, kInt, level, kMasked}}));
  for (const std::uint64_t option : kTcpOptions) {
    out.push_back(
        Allow({"setsockopt"}, {{1, kInt, 6 /* SOL_TCP */, kMasked}, {2, kInt, option, kMasked}}));
  }
}

}  // namespace

Seccomp HarnessSeccomp(const SeccompNeeds& needs) {
  Seccomp out;
  out.default_action = kErrno;
  out.default_errno_ret = EPERM;
  out.architectures = {needs.arch == "aarch64" ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64"};
  out.syscalls.push_back(Allow(PlainSyscalls()));
  out.syscalls.push_back({AbsentSyscalls(), kErrno, ENOSYS, {}});

  // clone(2) without any CLONE_NEW* flag: no namespace is made from inside. CLONE_NEWTIME (0x80) is
  // a signal number in clone's flags and therefore not to be had by it.
  out.syscalls.push_back(AllowWithout("clone", 0, 0x7e020000));

  // Huge pages are a pool of the node that no memory cgroup counts.
  out.syscalls.push_back(AllowWithout("mmap", 3, 0x40000 /* MAP_HUGETLB */));
  out.syscalls.push_back(AllowWithout("memfd_create", 1, 0x4 /* MFD_HUGETLB */));

  // One's own limits only: a cpu limit of a second on pid 1, which has the same uid, would let a
  // plugin end its init and with it the proof of how it ended.
  out.syscalls.push_back(Allow({"prlimit64"}, {{0, 0 /* the caller */, 0, kEqual}}));

  AllowSockets(*needs.raw_sockets, out.syscalls);
  AllowIoctls(*needs.device_ioctls, out.syscalls);
  AllowPrctls(out.syscalls);
  AllowSocketOptions(out.syscalls);

  // The personality that one has, and asking for it; others change how addresses are laid out.
  for (std::uint64_t persona : {std::uint64_t{0}, std::uint64_t{0xffffffff}}) {
    out.syscalls.push_back(Allow({"personality"}, {{0, persona, 0, kEqual}}));
  }

  // FIFOs and regular files; a device node would need CAP_MKNOD as well.
  constexpr std::uint64_t kTypeMask = 0170000;
  for (std::uint64_t type : {std::uint64_t{0010000}, std::uint64_t{0100000}}) {
    out.syscalls.push_back(Allow({"mknod"}, {{1, kTypeMask, type, kMasked}}));
    out.syscalls.push_back(Allow({"mknodat"}, {{2, kTypeMask, type, kMasked}}));
  }
  AddWatchRules(needs, out);
  return out;
}

}  // namespace vortex::oci
