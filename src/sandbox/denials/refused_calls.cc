// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/refused_calls.h"

#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstdint>
#include <map>

namespace vortex::sandbox {
namespace {

const std::map<int, const char*>& Names() {
  // On arm64 the older calls do not exist.
  static const auto& names = *new std::map<int, const char*>{
      {SYS_acct, "acct"},
      {SYS_add_key, "add_key"},
      {SYS_adjtimex, "adjtimex"},
      {SYS_bpf, "bpf"},
#ifdef SYS_chown
      {SYS_chown, "chown"},
#endif
      {SYS_chroot, "chroot"},
      {SYS_clock_adjtime, "clock_adjtime"},
      {SYS_clock_settime, "clock_settime"},
      {SYS_clone, "clone"},
      {SYS_connect, "connect"},
#ifdef SYS_creat
      {SYS_creat, "creat"},
#endif
      {SYS_delete_module, "delete_module"},
      {SYS_execve, "execve"},
      {SYS_execveat, "execveat"},
      {SYS_fanotify_init, "fanotify_init"},
      {SYS_fchown, "fchown"},
      {SYS_fchownat, "fchownat"},
      {SYS_finit_module, "finit_module"},
      {SYS_fsconfig, "fsconfig"},
      {SYS_fsmount, "fsmount"},
      {SYS_fsopen, "fsopen"},
      {SYS_fspick, "fspick"},
      {SYS_init_module, "init_module"},
      {SYS_io_uring_setup, "io_uring_setup"},
      {SYS_ioctl, "ioctl"},
#ifdef SYS_ioperm
      {SYS_ioperm, "ioperm"},
#endif
#ifdef SYS_iopl
      {SYS_iopl, "iopl"},
#endif
      {SYS_kcmp, "kcmp"},
      {SYS_kexec_file_load, "kexec_file_load"},
      {SYS_kexec_load, "kexec_load"},
      {SYS_keyctl, "keyctl"},
#ifdef SYS_lchown
      {SYS_lchown, "lchown"},
#endif
#ifdef SYS_lookup_dcookie
      {SYS_lookup_dcookie, "lookup_dcookie"},
#endif
#ifdef SYS_mkdir
      {SYS_mkdir, "mkdir"},
#endif
      {SYS_mkdirat, "mkdirat"},
#ifdef SYS_mknod
      {SYS_mknod, "mknod"},
#endif
      {SYS_mknodat, "mknodat"},
#ifdef SYS_modify_ldt
      {SYS_modify_ldt, "modify_ldt"},
#endif
      {SYS_mount, "mount"},
#ifdef SYS_mount_setattr
      {SYS_mount_setattr, "mount_setattr"},
#endif
      {SYS_move_mount, "move_mount"},
      {SYS_name_to_handle_at, "name_to_handle_at"},
#ifdef SYS_open
      {SYS_open, "open"},
#endif
      {SYS_open_by_handle_at, "open_by_handle_at"},
      {SYS_open_tree, "open_tree"},
      {SYS_openat, "openat"},
      {SYS_openat2, "openat2"},
      {SYS_perf_event_open, "perf_event_open"},
      {SYS_pidfd_getfd, "pidfd_getfd"},
      {SYS_pivot_root, "pivot_root"},
      {SYS_process_vm_readv, "process_vm_readv"},
      {SYS_process_vm_writev, "process_vm_writev"},
      {SYS_ptrace, "ptrace"},
      {SYS_quotactl, "quotactl"},
      {SYS_reboot, "reboot"},
#ifdef SYS_rename
      {SYS_rename, "rename"},
#endif
      {SYS_renameat, "renameat"},
      {SYS_renameat2, "renameat2"},
      {SYS_request_key, "request_key"},
#ifdef SYS_rmdir
      {SYS_rmdir, "rmdir"},
#endif
      {SYS_seccomp, "seccomp"},
      {SYS_sendmmsg, "sendmmsg"},
      {SYS_sendmsg, "sendmsg"},
      {SYS_sendto, "sendto"},
      {SYS_setdomainname, "setdomainname"},
      {SYS_setgid, "setgid"},
      {SYS_setgroups, "setgroups"},
      {SYS_sethostname, "sethostname"},
      {SYS_setns, "setns"},
      {SYS_setregid, "setregid"},
      {SYS_setresgid, "setresgid"},
      {SYS_setresuid, "setresuid"},
      {SYS_setreuid, "setreuid"},
      {SYS_settimeofday, "settimeofday"},
      {SYS_setuid, "setuid"},
      {SYS_socket, "socket"},
      {SYS_swapoff, "swapoff"},
      {SYS_swapon, "swapon"},
#ifdef SYS_symlink
      {SYS_symlink, "symlink"},
#endif
      {SYS_symlinkat, "symlinkat"},
      {SYS_syslog, "syslog"},
      {SYS_truncate, "truncate"},
      {SYS_umount2, "umount2"},
#ifdef SYS_unlink
      {SYS_unlink, "unlink"},
#endif
      {SYS_unlinkat, "unlinkat"},
      {SYS_unshare, "unshare"},
      {SYS_userfaultfd, "userfaultfd"},
      {SYS_vhangup, "vhangup"},
  };
  return names;
}

std::string DeviceName(std::uint64_t mode, std::uint64_t device) {
  const auto number = static_cast<dev_t>(device);
  return std::string(S_ISBLK(static_cast<mode_t>(mode)) ? "b " : "c ") +
         std::to_string(major(number)) + ":" + std::to_string(minor(number));
}

// An id that stays as it is, in the calls that take several.
bool IsUnchanged(std::uint64_t id) { return static_cast<std::uint32_t>(id) == UINT32_MAX; }

std::string IdText(std::uint64_t id) {
  return IsUnchanged(id) ? "-" : std::to_string(static_cast<std::uint32_t>(id));
}

std::string Ids(const seccomp_data& call, int first, int count) {
  std::string out;
  for (int i = first; i < first + count; ++i) {
    if (!out.empty()) out += ':';
    out += IdText(call.args[i]);
  }
  return out;
}

}  // namespace

std::string SyscallName(int number) {
  const auto found = Names().find(number);
  return found != Names().end() ? found->second : "syscall " + std::to_string(number);
}

std::string FamilyName(int family) {
  switch (family) {
    case AF_NETLINK:
      return "AF_NETLINK";
    case AF_PACKET:
      return "AF_PACKET";
    case AF_ALG:
      return "AF_ALG";
    case AF_VSOCK:
      return "AF_VSOCK";
    case AF_BLUETOOTH:
      return "AF_BLUETOOTH";
    case AF_CAN:
      return "AF_CAN";
    case AF_XDP:
      return "AF_XDP";
    case AF_TIPC:
      return "AF_TIPC";
    case AF_RDS:
      return "AF_RDS";
    case AF_INET:
      return "AF_INET";
    case AF_INET6:
      return "AF_INET6";
    default:
      return "family " + std::to_string(family);
  }
}

Attempt RefusedCall(const seccomp_data& call) {
  const std::string name = SyscallName(call.nr);
  switch (call.nr) {
    case SYS_socket: {
      const int family = static_cast<int>(call.args[0]);
      const bool raw = (call.args[1] & 0xf) == SOCK_RAW;
      return {"network", "socket", FamilyName(family) + (raw ? " SOCK_RAW" : ""), kRuleSeccomp,
              EPERM};
    }
#ifdef SYS_mknod
    case SYS_mknod:
      return {"device", "mknod", DeviceName(call.args[1], call.args[2]), kRuleSeccomp, EPERM};
#endif
    case SYS_mknodat:
      return {"device", "mknod", DeviceName(call.args[2], call.args[3]), kRuleSeccomp, EPERM};
    case SYS_setuid:
    case SYS_setgid:
      return {"capability", name, Ids(call, 0, 1), kRuleCapabilities, EPERM};
    case SYS_setreuid:
    case SYS_setregid:
      return {"capability", name, Ids(call, 0, 2), kRuleCapabilities, EPERM};
    case SYS_setresuid:
    case SYS_setresgid:
      return {"capability", name, Ids(call, 0, 3), kRuleCapabilities, EPERM};
    case SYS_setgroups:
      return {"capability", name, "", kRuleCapabilities, EPERM};
#ifdef SYS_chown
    case SYS_chown:
    case SYS_lchown:
#endif
    case SYS_fchown:
      return {"capability", "chown", Ids(call, 1, 2), kRuleCapabilities, EPERM};
    case SYS_fchownat:
      return {"capability", "chown", Ids(call, 2, 2), kRuleCapabilities, EPERM};
    case SYS_clone:
      return {"syscall", "clone", "new namespace", kRuleSeccomp, EPERM};
    case SYS_ioctl:
      return {"syscall", "ioctl", "TIOCSTI", kRuleSeccomp, EPERM};
    case SYS_io_uring_setup:
      return {"syscall", name, "", kRuleSeccomp, ENOSYS};
    default:
      return {"syscall", name, "", kRuleSeccomp, EPERM};
  }
}

}  // namespace vortex::sandbox
