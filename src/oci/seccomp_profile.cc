// SPDX-License-Identifier: Apache-2.0
#include "oci/seccomp_profile.h"

#include <cerrno>

namespace vortex::oci {
namespace {

constexpr char kAllow[] = "SCMP_ACT_ALLOW";
constexpr char kErrno[] = "SCMP_ACT_ERRNO";

// Harmless without capabilities, or about the caller's own memory, files, signals and time only.
std::vector<std::string> PlainSyscalls() {
  return {
      // files; namespaces, read-only mounts and permissions decide what they reach
      "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3",
      "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchown", "fchownat", "fcntl",
      "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync",
      "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "inotify_add_watch", "inotify_init",
      "inotify_init1", "inotify_rm_watch", "lchown", "lgetxattr", "link", "linkat", "listxattr", "llistxattr",
      "lremovexattr", "lseek", "lsetxattr", "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat", "openat2",
      "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat",
      "readv", "removexattr", "rename", "renameat", "renameat2", "rmdir", "sendfile", "setxattr", "splice", "stat",
      "statfs", "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "tee", "truncate", "umask",
      "unlink", "unlinkat", "utime", "utimensat", "utimes", "vmsplice", "write", "writev",
      // memory
      "brk", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mlock2", "mlockall", "mmap", "mprotect",
      "mremap", "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
      // processes, threads, signals
      "alarm", "arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group", "fork", "futex",
      "futex_waitv", "get_robust_list", "get_thread_area", "getcpu", "getegid", "geteuid", "getgid", "getgroups",
      "getitimer", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid", "getresuid", "getrlimit",
      "getrusage", "getsid", "gettid", "getuid", "kill", "pause", "pidfd_open", "pidfd_send_signal", "prctl",
      "prlimit64", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo",
      "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "sched_get_priority_max",
      "sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler",
      "sched_rr_get_interval", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
      "sched_yield", "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsuid", "setgid",
      "setgroups", "setitimer", "setpgid", "setpriority", "setregid", "setresgid", "setresuid", "setreuid",
      "setrlimit", "setsid", "setuid", "sigaltstack", "tgkill", "tkill", "vfork", "wait4", "waitid",
      // waiting and time
      "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_create", "epoll_create1", "epoll_ctl",
      "epoll_ctl_old", "epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2",
      "gettimeofday", "nanosleep", "pipe", "pipe2", "poll", "ppoll", "pselect6", "select", "signalfd", "signalfd4",
      "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create",
      "timerfd_gettime", "timerfd_settime", "times",
      // sockets of the families that socket(2) below lets through; the network namespace has only lo
      "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom",
      "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
      // System V and POSIX ipc, in an ipc namespace of its own
      "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink", "msgctl", "msgget",
      "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt", "shmget",
      // asynchronous io of the old kind: checks each operation as read(2) and write(2) do
      "io_cancel", "io_destroy", "io_getevents", "io_pgetevents", "io_setup", "io_submit",
      // a program narrowing itself
      "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self",
      // facts about the system
      "getrandom", "sysinfo", "uname"};
}

// What isatty, set_blocking, set_inheritable, get_terminal_size, the socket module and file copies ask. Not among
// them: TIOCSTI and TIOCLINUX, which type into a terminal.
constexpr std::uint64_t kPlainIoctls[] = {
    0x5401 /* TCGETS */,     0x5413 /* TIOCGWINSZ */, 0x541b /* FIONREAD */,     0x5421 /* FIONBIO */,
    0x5450 /* FIONCLEX */,   0x5451 /* FIOCLEX */,    0x5452 /* FIOASYNC */,     0x5460 /* FIOQSIZE */,
    0x8910 /* SIOCGIFNAME */, 0x8912 /* SIOCGIFCONF */, 0x8913 /* SIOCGIFFLAGS */, 0x8915 /* SIOCGIFADDR */,
    0x8933 /* SIOCGIFINDEX */};

SeccompRule Allow(std::vector<std::string> names, std::vector<SeccompArg> args = {}) {
  return {std::move(names), kAllow, std::nullopt, std::move(args)};
}

}  // namespace

Seccomp HarnessSeccomp(const std::string& arch, bool device_ioctls) {
  Seccomp out;
  out.default_action = kErrno;
  out.default_errno_ret = EPERM;
  out.architectures = {arch == "aarch64" ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64"};
  out.syscalls.push_back(Allow(PlainSyscalls()));

  // clone(2) without any CLONE_NEW* flag: no namespace is made from inside. clone3 takes its flags by a pointer
  // that a filter cannot read; ENOSYS makes libc fall back to clone. CLONE_NEWTIME (0x80) is a signal number in
  // clone's flags and therefore not to be had by it.
  constexpr std::uint64_t kNamespaceFlags = 0x7e020000;
  out.syscalls.push_back(Allow({"clone"}, {{0, kNamespaceFlags, 0, "SCMP_CMP_MASKED_EQ"}}));
  out.syscalls.push_back({{"clone3"}, kErrno, ENOSYS, {}});

  // AF_UNIX, AF_INET, AF_INET6: no netlink, packet, vsock, alg, bluetooth …, whose code is large and reachable
  // without privileges.
  for (std::uint64_t family : {1, 2, 10}) {
    out.syscalls.push_back(Allow({"socket"}, {{0, family, 0, "SCMP_CMP_EQ"}}));
  }
  out.syscalls.push_back(Allow({"socketpair"}, {{0, 1, 0, "SCMP_CMP_EQ"}}));

  // Every ioctl is an entry into some driver. The kernel looks at the low 32 bits of the request only, so the
  // filter must as well. A granted device has requests of its own, which its driver has to answer for.
  if (device_ioctls) {
    out.syscalls.push_back(Allow({"ioctl"}));
  } else {
    for (std::uint64_t request : kPlainIoctls) {
      out.syscalls.push_back(Allow({"ioctl"}, {{1, 0xffffffff, request, "SCMP_CMP_MASKED_EQ"}}));
    }
  }

  // The personality that one has, and asking for it; others change how addresses are laid out.
  for (std::uint64_t persona : {std::uint64_t{0}, std::uint64_t{8}, std::uint64_t{0xffffffff}}) {
    out.syscalls.push_back(Allow({"personality"}, {{0, persona, 0, "SCMP_CMP_EQ"}}));
  }

  // FIFOs and regular files; a device node would need CAP_MKNOD as well.
  constexpr std::uint64_t kTypeMask = 0170000;
  for (std::uint64_t type : {std::uint64_t{0010000}, std::uint64_t{0100000}}) {
    out.syscalls.push_back(Allow({"mknod"}, {{1, kTypeMask, type, "SCMP_CMP_MASKED_EQ"}}));
    out.syscalls.push_back(Allow({"mknodat"}, {{2, kTypeMask, type, "SCMP_CMP_MASKED_EQ"}}));
  }

  // Programs look whether these are there and go on without them when the kernel "does not have" them.
  out.syscalls.push_back({{"io_uring_setup", "io_uring_enter", "io_uring_register"}, kErrno, ENOSYS, {}});
  return out;
}

}  // namespace vortex::oci
