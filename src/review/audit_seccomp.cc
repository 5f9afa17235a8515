// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "oci/seccomp_profile.h"
#include "review/audit_context.h"
#include "review/seccomp_model.h"

namespace vortex::review {
namespace {

// One way to use a call that a rule is about. Arguments that are not given are the caller's choice.
struct Probe {
  const char* rule;
  const char* call;
  SeccompModel::Arguments arguments;
  const char* what;  // the use, when it is not the call as such
};

const std::vector<Probe>& Probes() {
  static const auto& probes = *new std::vector<Probe>([] {
    std::vector<Probe> out;
    const auto calls = [&](const char* rule, std::initializer_list<const char*> names) {
      for (const char* name : names) out.push_back({rule, name, {}, ""});
    };
    calls("seccomp.mount",
          {"mount", "umount", "umount2", "pivot_root", "move_mount", "open_tree", "open_tree_attr",
           "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"});
    calls("seccomp.ptrace",
          {"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp"});
    calls("seccomp.bpf", {"bpf"});
    calls("seccomp.keyring", {"keyctl", "add_key", "request_key"});
    calls("seccomp.userfaultfd", {"userfaultfd"});
    calls("seccomp.io-uring", {"io_uring_setup", "io_uring_enter", "io_uring_register"});
    calls("seccomp.unshare", {"unshare"});
    calls("seccomp.setns", {"setns"});
    calls("seccomp.file-handles", {"open_by_handle_at", "name_to_handle_at"});
    calls("seccomp.perf", {"perf_event_open"});
    calls("seccomp.kexec-reboot", {"kexec_load", "kexec_file_load", "reboot"});
    calls("seccomp.modules", {"init_module", "finit_module", "delete_module", "create_module"});
    calls("seccomp.clone3", {"clone3"});
    calls("seccomp.port-io", {"iopl", "ioperm"});
    calls("seccomp.node-administration", {"swapon", "swapoff", "acct", "quotactl", "quotactl_fd",
                                          "syslog", "sethostname", "setdomainname", "vhangup"});
    calls("seccomp.clock", {"settimeofday", "clock_settime", "clock_settime64", "clock_adjtime",
                            "clock_adjtime64", "adjtimex", "stime"});
    calls("seccomp.kernel-aio",
          {"io_setup", "io_submit", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents"});
    calls("seccomp.rare-calls", {"modify_ldt",    "lookup_dcookie",
                                 "nfsservctl",    "uselib",
                                 "ustat",         "sysfs",
                                 "_sysctl",       "vm86",
                                 "vm86old",       "get_kernel_syms",
                                 "query_module",  "remap_file_pages",
                                 "memfd_secret",  "map_shadow_stack",
                                 "get_mempolicy", "set_mempolicy",
                                 "mbind",         "set_mempolicy_home_node",
                                 "vserver",       "afs_syscall",
                                 "getpmsg",       "putpmsg",
                                 "security",      "tuxcall"});
    calls("seccomp.watch-file-system", {"fanotify_init", "fanotify_mark"});
    calls("seccomp.chroot", {"chroot"});
    calls("seccomp.memory-of-others", {"process_madvise", "process_mrelease", "cachestat",
                                       "move_pages", "migrate_pages", "mincore"});
    for (const auto& [flag, name] :
         {std::pair<std::uint64_t, const char*>{0x10000000, "CLONE_NEWUSER"},
          {0x00020000, "CLONE_NEWNS"},
          {0x02000000, "CLONE_NEWCGROUP"},
          {0x04000000, "CLONE_NEWUTS"},
          {0x08000000, "CLONE_NEWIPC"},
          {0x20000000, "CLONE_NEWPID"},
          {0x40000000, "CLONE_NEWNET"}}) {
      out.push_back({"seccomp.clone-namespaces", "clone", {{0, flag | 17}}, name});
    }
    out.push_back({"seccomp.ioctl-terminal", "ioctl", {{1, 0x5412}}, "TIOCSTI"});
    out.push_back({"seccomp.ioctl-terminal", "ioctl", {{1, 0x541c}}, "TIOCLINUX"});
    for (const std::uint64_t request : {0x5412U, 0x541cU}) {
      out.push_back({"seccomp.ioctl-high-bits",
                     "ioctl",
                     {{1, request | 0x100000000}},
                     request == 0x5412 ? "TIOCSTI with a high bit" : "TIOCLINUX with a high bit"});
    }
    // A request that no list has: whoever lets it pass lists none.
    out.push_back({"seccomp.ioctl-unfiltered", "ioctl", {{1, 0x7ead5eed}}, "any request"});
    for (const std::uint64_t persona : {0x40000U, 0x400000U, 0x4000000U})
      out.push_back({"seccomp.personality", "personality", {{0, persona}}, "other flags"});
    for (std::uint64_t family = 3; family <= 46; ++family) {
      if (family != 10)
        out.push_back({"seccomp.socket-families", "socket", {{0, family}}, "other families"});
    }
    for (std::uint64_t family : {2U, 10U}) {
      out.push_back({"seccomp.raw-sockets", "socket", {{0, family}, {1, 3}}, "SOCK_RAW"});
      for (const std::uint64_t type : {1U, 2U, 5U}) {
        for (const std::uint64_t protocol : {1U, 33U, 58U, 132U, 136U, 262U})
          out.push_back({"seccomp.other-transports",
                         "socket",
                         {{0, family}, {1, type}, {2, protocol}},
                         "other protocols"});
      }
    }
    for (const std::uint64_t type : {0020000U, 0060000U}) {
      out.push_back({"seccomp.device-nodes", "mknod", {{1, type | 0666}}, "device nodes"});
      out.push_back({"seccomp.device-nodes", "mknodat", {{2, type | 0666}}, "device nodes"});
    }
    out.push_back({"seccomp.huge-pages", "mmap", {{3, 0x40022}}, "MAP_HUGETLB"});
    out.push_back({"seccomp.huge-pages", "memfd_create", {{1, 4}}, "MFD_HUGETLB"});
    out.push_back({"seccomp.huge-pages", "shmget", {{2, 04600}}, "SHM_HUGETLB"});
    out.push_back({"seccomp.limits-of-others", "prlimit64", {{0, 1}}, "pid 1"});
    return out;
  }());
  return probes;
}

// Calls that a plugin's profile may allow plainly, or with conditions that the probes test.
const std::set<std::string, std::less<>>& JudgedCalls() {
  static const auto& names = *new std::set<std::string, std::less<>>([] {
    std::set<std::string, std::less<>> out;
    for (const oci::SeccompRule& rule : oci::HarnessSeccomp({}).syscalls)
      out.insert(rule.names.begin(), rule.names.end());
    for (const Probe& probe : Probes()) out.insert(probe.call);
    // The same calls under other architectures' names.
    for (const char* name : {"_llseek",
                             "_newselect",
                             "chown32",
                             "clock_getres_time64",
                             "clock_gettime64",
                             "clock_nanosleep_time64",
                             "fadvise64_64",
                             "fchown32",
                             "fcntl64",
                             "fstat64",
                             "fstatat64",
                             "fstatfs64",
                             "ftruncate64",
                             "futex_time64",
                             "getegid32",
                             "geteuid32",
                             "getgid32",
                             "getgroups32",
                             "getresgid32",
                             "getresuid32",
                             "getuid32",
                             "lchown32",
                             "lstat64",
                             "mmap2",
                             "mq_timedreceive_time64",
                             "mq_timedsend_time64",
                             "ppoll_time64",
                             "pselect6_time64",
                             "recvmmsg_time64",
                             "rt_sigtimedwait_time64",
                             "sched_rr_get_interval_time64",
                             "semtimedop_time64",
                             "sendfile64",
                             "set_thread_area",
                             "get_thread_area",
                             "setfsgid32",
                             "setfsuid32",
                             "setgid32",
                             "setgroups32",
                             "setregid32",
                             "setresgid32",
                             "setresuid32",
                             "setreuid32",
                             "setuid32",
                             "sigaction",
                             "signal",
                             "sigpending",
                             "sigprocmask",
                             "sigreturn",
                             "sigsuspend",
                             "socketcall",
                             "stat64",
                             "statfs64",
                             "sync",
                             "syncfs",
                             "timer_gettime64",
                             "timer_settime64",
                             "timerfd_gettime64",
                             "timerfd_settime64",
                             "truncate64",
                             "ugetrlimit",
                             "utimensat_time64",
                             "waitpid",
                             "ipc",
                             "recv",
                             "send",
                             "nice",
                             "oldstat",
                             "oldfstat",
                             "oldlstat",
                             "readdir",
                             "arm_fadvise64_64",
                             "arm_sync_file_range",
                             "sync_file_range2",
                             "breakpoint",
                             "cacheflush",
                             "set_tls",
                             "epoll_ctl_old",
                             "epoll_wait_old",
                             "io_pgetevents_time64",
                             "ioprio_get",
                             "ioprio_set",
                             "riscv_flush_icache"})
      out.insert(name);
    return out;
  }());
  return names;
}

bool OneOf(std::string_view word, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* w) { return word == w; });
}

void AuditWords(AuditContext& audit, const Node& seccomp) {
  const auto action = [&](const Node& node) {
    if (VerdictOf(node.Text()) == Verdict::kUnknown)
      audit.Add("seccomp.unknown-word", node, fmt::format("\"{}\" is no action", node.Text()));
    if (node.Text() == "SCMP_ACT_NOTIFY" && seccomp["listenerPath"].Text().empty())
      audit.Add("seccomp.notify-without-listener", node, "SCMP_ACT_NOTIFY, but no listenerPath");
    if (node.Text() == "SCMP_ACT_TRACE") audit.Add("seccomp.trace", node, "SCMP_ACT_TRACE");
  };
  action(seccomp["defaultAction"]);
  if (seccomp["defaultAction"].Text() == "SCMP_ACT_ERRNO" &&
      seccomp["defaultErrnoRet"].Int().value_or(1) == 0)
    audit.Add("seccomp.errno-zero", seccomp["defaultErrnoRet"], "0");
  for (const Node& rule : seccomp["syscalls"].Items()) {
    action(rule["action"]);
    if (rule["action"].Text() == "SCMP_ACT_ERRNO" && rule["errnoRet"].Int().value_or(1) == 0)
      audit.Add("seccomp.errno-zero", rule["errnoRet"], "0");
    std::set<std::int64_t> indices;
    for (const Node& arg : rule["args"].Items()) {
      if (!OneOf(arg["op"].Text(), {"SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",
                                    "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"}))
        audit.Add("seccomp.unknown-word", arg["op"],
                  fmt::format("\"{}\" is no operator", arg["op"].Text()));
      const auto index = arg["index"].Int().value_or(-1);
      if (index < 0 || index > 5)
        audit.Add("seccomp.unknown-word", arg["index"], "a call has the arguments 0 to 5");
      if (!indices.insert(index).second)
        audit.Add("seccomp.repeated-argument", arg["index"],
                  fmt::format("argument {} again", index));
    }
  }
  for (const Node& flag : seccomp["flags"].Items()) {
    if (flag.Text() == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") {
      audit.Add("seccomp.spec-allow", flag, flag.Text());
    } else if (!OneOf(flag.Text(), {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC",
                                    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"})) {
      audit.Add("seccomp.unknown-word", flag, fmt::format("\"{}\" is no flag", flag.Text()));
    }
  }
}

void AuditArchitectures(AuditContext& audit, const Node& seccomp) {
  const Node list = seccomp["architectures"];
  int natives = 0;
  for (const Node& item : list.Items()) {
    const std::string& name = item.Text();
    const bool native64 =
        OneOf(name, {"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64", "SCMP_ARCH_RISCV64",
                     "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390X", "SCMP_ARCH_LOONGARCH64"});
    natives += native64 ? 1 : 0;
    if (!name.starts_with("SCMP_ARCH_")) {
      audit.Add("seccomp.unknown-word", item, fmt::format("\"{}\" is no architecture", name));
    } else if (!native64 || natives > 1) {
      audit.Add("seccomp.foreign-architecture", item, fmt::format("{} is let in", name));
    }
  }
}

void AuditContradictions(AuditContext& audit, const SeccompModel& model) {
  for (const auto& [call, rules] : model.calls()) {
    const CallRule* first = nullptr;
    for (const CallRule& rule : rules) {
      if (!rule.conditions.empty()) continue;
      if (first != nullptr && first->verdict != rule.verdict) {
        audit.AddAt(
            "seccomp.contradiction", rule.path, rule.at,
            fmt::format("{}: {} here, {} at {}", call, rule.action, first->action, first->path));
        break;
      }
      first = &rule;
    }
  }
}

// One finding for each rule of the catalogue, at the first place that lets it pass.
void AuditCalls(AuditContext& audit, const Node& seccomp, const SeccompModel& model) {
  struct Open {
    std::vector<std::string> uses;
    std::string path;
    Position at;
  };
  std::map<std::string, Open> open;
  const auto note = [&](const std::string& rule, const std::string& use, const CallRule* by) {
    const auto [entry, fresh] = open.try_emplace(rule);
    if (fresh) {
      entry->second.path = by == nullptr ? seccomp["defaultAction"].path() : by->path;
      entry->second.at = by == nullptr ? seccomp["defaultAction"].at() : by->at;
    }
    auto& uses = entry->second.uses;
    if (std::find(uses.begin(), uses.end(), use) == uses.end()) uses.push_back(use);
  };
  for (const Probe& probe : Probes()) {
    const CallRule* by = nullptr;
    const Verdict verdict = model.Probe(probe.call, probe.arguments, &by);
    if (verdict != Verdict::kAllow && verdict != Verdict::kUnknown) continue;
    note(probe.rule,
         *probe.what == '\0' ? probe.call : fmt::format("{} ({})", probe.call, probe.what), by);
  }
  for (const auto& [call, rules] : model.calls()) {
    if (JudgedCalls().contains(call)) continue;
    for (const CallRule& rule : rules) {
      if (rule.verdict == Verdict::kAllow) note("seccomp.unlisted-call", Printable(call), &rule);
    }
  }
  // What an unfiltered ioctl includes needs no finding of its own.
  if (open.contains("seccomp.ioctl-unfiltered")) {
    open.erase("seccomp.ioctl-high-bits");
    if (!audit.root()["process"]["terminal"].IsTrue()) open.erase("seccomp.ioctl-terminal");
  }
  if (open.contains("seccomp.socket-families")) open.erase("seccomp.other-transports");
  for (const auto& [rule, what] : open) {
    constexpr std::size_t kMost = 8;
    std::vector<std::string> uses = what.uses;
    const std::size_t more = uses.size() > kMost ? uses.size() - kMost : 0;
    uses.resize(uses.size() - more);
    audit.AddAt(rule, what.path, what.at,
                fmt::format("{}{} allowed", fmt::join(uses, ", "),
                            more == 0 ? "" : fmt::format(" and {} more", more)));
  }
}

}  // namespace

void AuditSeccomp(AuditContext& audit) {
  const Node linux_part = audit.root()["linux"];
  const Node seccomp = linux_part["seccomp"];
  if (!seccomp) return audit.Add("seccomp.absent", seccomp, "no profile");
  AuditWords(audit, seccomp);
  AuditArchitectures(audit, seccomp);
  const SeccompModel model(seccomp);
  AuditContradictions(audit, model);
  if (model.default_verdict() == Verdict::kAllow || model.default_verdict() == Verdict::kUnknown) {
    audit.Add("seccomp.default-allow", seccomp["defaultAction"],
              fmt::format("\"{}\"", seccomp["defaultAction"].Text()));
  }
  AuditCalls(audit, seccomp, model);
}

}  // namespace vortex::review
