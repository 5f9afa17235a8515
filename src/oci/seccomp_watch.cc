// SPDX-License-Identifier: Apache-2.0
#include "oci/seccomp_watch.h"

#include <algorithm>
#include <set>

namespace vortex::oci {
namespace {

constexpr char kNotify[] = "SCMP_ACT_NOTIFY";
constexpr char kEqual[] = "SCMP_CMP_EQ";
constexpr char kNotEqual[] = "SCMP_CMP_NE";
constexpr char kAtLeast[] = "SCMP_CMP_GE";
constexpr char kMasked[] = "SCMP_CMP_MASKED_EQ";

using Names = std::vector<std::string>;

SeccompRule Notify(Names names, std::vector<SeccompArg> args = {}) {
  return {std::move(names), kNotify, std::nullopt, std::move(args)};
}

// Takes these names out of the unconditional rules.
void Take(const Names& names, Seccomp& profile) {
  const std::set<std::string> taken(names.begin(), names.end());
  for (SeccompRule& rule : profile.syscalls) {
    if (!rule.args.empty()) continue;
    std::erase_if(rule.names, [&](const std::string& name) { return taken.contains(name); });
  }
}

void Watch(Names names, Seccomp& profile) {
  Take(names, profile);
  profile.syscalls.push_back(Notify(std::move(names)));
}

void WatchNetwork(const SeccompNeeds& needs, Seccomp& profile) {
  constexpr std::uint64_t kNoSignal = 0x4000;  // MSG_NOSIGNAL
  Watch({"bind", "connect", "sendmmsg", "sendmsg"}, profile);
  // send(2) is sendto without an address. Programs with a connected socket use it all the time, and
  // it can reach nothing that connect has not allowed; only glibc's resolver, whose question is
  // worth a record, passes just this flag. In this order: libseccomp 2.5.4 loses the last rule when
  // the second comes first.
  Take({"sendto"}, profile);
  profile.syscalls.push_back(Notify({"sendto"}, {{4, 0, 0, kNotEqual}}));
  profile.syscalls.push_back({{"sendto"},
                              "SCMP_ACT_ALLOW",
                              std::nullopt,
                              {{3, kNoSignal, 0, kNotEqual}, {4, 0, 0, kEqual}}});
  profile.syscalls.push_back(Notify({"sendto"}, {{3, kNoSignal, 0, kEqual}, {4, 0, 0, kEqual}}));
  // Families that no rule allows: none of AF_UNIX, AF_INET and AF_INET6, and of AF_NETLINK not
  // NETLINK_ROUTE, which glibc's getaddrinfo asks by itself.
  for (std::uint64_t family : {0U, 3U, 4U, 5U, 6U, 7U, 8U, 9U})
    profile.syscalls.push_back(Notify({"socket"}, {{0, family, 0, kEqual}}));
  for (std::uint64_t family : {11U, 12U, 13U, 14U, 15U})
    profile.syscalls.push_back(Notify({"socket"}, {{0, family, 0, kEqual}}));
  profile.syscalls.push_back(
      Notify({"socket"}, {{0, 16 /* AF_NETLINK */, 0, kEqual}, {2, 0, 0, kNotEqual}}));
  profile.syscalls.push_back(Notify({"socket"}, {{0, 17, 0, kAtLeast}}));
  if (!*needs.raw_sockets) {
    for (std::uint64_t family : {2U, 10U}) {
      profile.syscalls.push_back(
          Notify({"socket"}, {{0, family, 0, kEqual}, {1, 0xf, 3 /* SOCK_RAW */, kMasked}}));
    }
  }
}

void WatchFilesystem(Seccomp& profile) {
  // What names a file and gives or changes something. Asking (stat, access, readlink) is not
  // watched: that is most of what an interpreter does, and it gives nothing away but absence.
  Watch({"chmod",     "creat",     "execve",   "execveat", "fchmod",    "fchmodat",
         "fchmodat2", "link",      "linkat",   "mkdir",    "mkdirat",   "open",
         "openat",    "openat2",   "rename",   "renameat", "renameat2", "rmdir",
         "symlink",   "symlinkat", "truncate", "unlink",   "unlinkat"},
        profile);
}

// Refused whatever the arguments are, or whatever memory holds: the observer only tells.
void WatchRefused(const SeccompNeeds& needs, Seccomp& profile) {
  Watch(TellingSyscalls(), profile);
  if (needs.watch_ids) {
    Watch({"chown", "fchown", "fchownat", "lchown", "setgid", "setgroups", "setregid", "setresgid",
           "setresuid", "setreuid", "setuid"},
          profile);
  }
  for (std::uint64_t flag : {0x00020000U, 0x02000000U, 0x04000000U, 0x08000000U, 0x10000000U,
                             0x20000000U, 0x40000000U} /* CLONE_NEW* */) {
    profile.syscalls.push_back(Notify({"clone"}, {{0, flag, flag, kMasked}}));
  }
  if (!*needs.device_ioctls) {
    profile.syscalls.push_back(Notify({"ioctl"}, {{1, 0xffffffff, 0x5412 /* TIOCSTI */, kMasked}}));
  }
  constexpr std::uint64_t kTypeMask = 0170000;
  for (std::uint64_t type : {0020000U /* character */, 0060000U /* block */}) {
    profile.syscalls.push_back(Notify({"mknod"}, {{1, kTypeMask, type, kMasked}}));
    profile.syscalls.push_back(Notify({"mknodat"}, {{2, kTypeMask, type, kMasked}}));
  }
}

}  // namespace

const std::vector<std::string>& TellingSyscalls() {
  static const Names names = {"acct",
                              "add_key",
                              "adjtimex",
                              "bpf",
                              "chroot",
                              "clock_adjtime",
                              "clock_settime",
                              "delete_module",
                              "fanotify_init",
                              "finit_module",
                              "fsconfig",
                              "fsmount",
                              "fsopen",
                              "fspick",
                              "init_module",
                              "io_uring_setup",
                              "ioperm",
                              "iopl",
                              "kcmp",
                              "kexec_file_load",
                              "kexec_load",
                              "keyctl",
                              "lookup_dcookie",
                              "modify_ldt",
                              "mount",
                              "mount_setattr",
                              "move_mount",
                              "name_to_handle_at",
                              "open_by_handle_at",
                              "open_tree",
                              "perf_event_open",
                              "pidfd_getfd",
                              "pivot_root",
                              "process_vm_readv",
                              "process_vm_writev",
                              "ptrace",
                              "quotactl",
                              "reboot",
                              "request_key",
                              "seccomp",
                              "setdomainname",
                              "sethostname",
                              "setns",
                              "settimeofday",
                              "swapoff",
                              "swapon",
                              "syslog",
                              "umount2",
                              "unshare",
                              "userfaultfd",
                              "vhangup"};
  return names;
}

void AddWatchRules(const SeccompNeeds& needs, Seccomp& profile) {
  if (!needs.watch_network && !needs.watch_filesystem) return;
  if (needs.watch_network) WatchNetwork(needs, profile);
  if (needs.watch_filesystem) WatchFilesystem(profile);
  WatchRefused(needs, profile);
}

}  // namespace vortex::oci
