// SPDX-License-Identifier: Apache-2.0
// The shape of the profile; what the kernel makes of it is seccomp_kernel_test.py's business.
#include "oci/seccomp_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "unit/oci/jobs.h"

namespace vortex::oci {
namespace {

using ::testing::ElementsAre;

// Names that some rule allows, whatever the arguments must be.
std::set<std::string> Allowed(const Seccomp& profile) {
  std::set<std::string> names;
  for (const SeccompRule& rule : profile.syscalls) {
    if (rule.action == "SCMP_ACT_ALLOW") names.insert(rule.names.begin(), rule.names.end());
  }
  return names;
}

TEST(SeccompProfileTest, IsAnAllowlistOfOneArchitecture) {
  const Seccomp profile = HarnessSeccomp({.arch = "x86_64"});
  EXPECT_EQ(profile.default_action, "SCMP_ACT_ERRNO");
  EXPECT_EQ(profile.default_errno_ret, 1u);
  EXPECT_THAT(profile.architectures, ElementsAre("SCMP_ARCH_X86_64"));
  EXPECT_THAT(HarnessSeccomp({.arch = "aarch64"}).architectures, ElementsAre("SCMP_ARCH_AARCH64"));
}

TEST(SeccompProfileTest, UnwatchedNoRuleNeedsAListener) {
  for (const SeccompRule& rule : HarnessSeccomp({.arch = "x86_64"}).syscalls) {
    EXPECT_TRUE(rule.action == "SCMP_ACT_ALLOW" ||
                (rule.action == "SCMP_ACT_ERRNO" && rule.errno_ret))
        << rule.action;
  }
}

// libseccomp takes the wider of two rules for one call, so an unconditional one would undo all
// conditions.
TEST(SeccompProfileTest, NoNameIsBothConditionalAndNot) {
  for (const SeccompNeeds& needs :
       {SeccompNeeds{.arch = "x86_64"},
        SeccompNeeds{
            .arch = "x86_64", .device_ioctls = {kForATest, true}, .raw_sockets = {kForATest, true}},
        SeccompNeeds{.arch = "x86_64", .watch_network = true, .watch_filesystem = true},
        SeccompNeeds{.arch = "x86_64",
        .device_ioctls = {kForATest, true},
        .raw_sockets = {kForATest, true},
        .watch_network = true,
        .watch_filesystem = true,
        .watch_ids = true}}) {
    std::set<std::string> plain, conditional;
    for (const SeccompRule& rule : HarnessSeccomp(needs).syscalls) {
      for (const std::string& name : rule.names) {
        if (rule.args.empty()) {
          EXPECT_TRUE(plain.insert(name).second) << name << " is there twice";
        } else {
          conditional.insert(name);
        }
      }
    }
    for (const std::string& name : conditional) EXPECT_EQ(plain.count(name), 0u) << name;
  }
}

// runc takes conditions on the same argument of one rule as alternatives instead of as one
// condition.
TEST(SeccompProfileTest, NoRuleNamesAnArgumentTwice) {
  for (const SeccompRule& rule :
       HarnessSeccomp({.arch = "x86_64", .raw_sockets = {kForATest, true}}).syscalls) {
    std::set<std::uint32_t> indices;
    for (const SeccompArg& arg : rule.args)
      EXPECT_TRUE(indices.insert(arg.index).second) << rule.names.front();
  }
}

TEST(SeccompProfileTest, NeedsWidenNothingElse) {
  EXPECT_EQ(Allowed(HarnessSeccomp({.arch = "x86_64"})),
            Allowed(HarnessSeccomp({.arch = "x86_64",
                                    .device_ioctls = {kForATest, true},
                                    .raw_sockets = {kForATest, true}})));
}

TEST(SeccompProfileTest, WatchingTakesAwayOrTellsAndAllowsNothingNew) {
  const std::set<std::string> plain = Allowed(HarnessSeccomp({.arch = "x86_64"}));
  const Seccomp watched = HarnessSeccomp(
      {.arch = "x86_64", .watch_network = true, .watch_filesystem = true, .watch_ids = true});
  for (const std::string& name : Allowed(watched)) EXPECT_EQ(plain.count(name), 1u) << name;
  std::set<std::string> told;
  for (const SeccompRule& rule : watched.syscalls)
    if (rule.action == "SCMP_ACT_NOTIFY") told.insert(rule.names.begin(), rule.names.end());
  for (const char* name : {"connect", "openat", "ptrace", "setuid", "execve", "sendmmsg"})
    EXPECT_EQ(told.count(name), 1u) << name;
  // runc refuses it, and nothing else would say what it wrote.
  for (const char* name : {"write", "read", "newfstatat", "stat", "access", "close"})
    EXPECT_EQ(told.count(name), 0u) << name;
}

TEST(SeccompProfileTest, OfTheIdCallsNoneIsWatchedWithACapability) {
  const Seccomp watched =
      HarnessSeccomp({.arch = "x86_64", .watch_network = true, .watch_filesystem = true});
  EXPECT_EQ(Allowed(watched).count("setuid"), 1u);
  EXPECT_EQ(Allowed(watched).count("chown"), 1u);
}

TEST(SeccompProfileTest, NeverAllowed) {
  const std::set<std::string> allowed = Allowed(HarnessSeccomp(
      {.arch = "x86_64", .device_ioctls = {kForATest, true}, .raw_sockets = {kForATest, true}}));
  for (const char* name : {"acct",
                           "add_key",
                           "adjtimex",
                           "bpf",
                           "chroot",
                           "clock_adjtime",
                           "clock_settime",
                           "clone3",
                           "delete_module",
                           "fanotify_init",
                           "finit_module",
                           "fsconfig",
                           "fsmount",
                           "fsopen",
                           "fspick",
                           "init_module",
                           "io_uring_enter",
                           "io_uring_register",
                           "io_uring_setup",
                           "ioperm",
                           "iopl",
                           "kcmp",
                           "kexec_file_load",
                           "kexec_load",
                           "keyctl",
                           "lookup_dcookie",
                           "mbind",
                           "migrate_pages",
                           "modify_ldt",
                           "mount",
                           "mount_setattr",
                           "move_mount",
                           "move_pages",
                           "name_to_handle_at",
                           "open_by_handle_at",
                           "open_tree",
                           "perf_event_open",
                           "pidfd_getfd",
                           "pivot_root",
                           "process_madvise",
                           "process_vm_readv",
                           "process_vm_writev",
                           "ptrace",
                           "quotactl",
                           "quotactl_fd",
                           "reboot",
                           "request_key",
                           "seccomp",
                           "setdomainname",
                           "sethostname",
                           "setns",
                           "settimeofday",
                           "swapoff",
                           "swapon",
                           "sync",
                           "syncfs",
                           "syslog",
                           "umount2",
                           "unshare",
                           "userfaultfd",
                           "vhangup",
                           "vmsplice",
                           "mq_open",
                           "msgget",
                           "semget",
                           "shmat",
                           "shmget"}) {
    EXPECT_EQ(allowed.count(name), 0u) << name;
  }
}

// The kernel takes an int of these arguments: a rule that compared 64 bits could be gone around.
TEST(SeccompProfileTest, OptionsAreLetThroughByNameAndByTheirLowBits) {
  std::set<std::uint64_t> options, levels;
  for (const SeccompRule& rule : HarnessSeccomp({.arch = "x86_64"}).syscalls) {
    if (rule.names.front() != "prctl" && rule.names.front() != "setsockopt") continue;
    ASSERT_FALSE(rule.args.empty());
    for (const SeccompArg& arg : rule.args) {
      EXPECT_EQ(arg.op, "SCMP_CMP_MASKED_EQ");
      EXPECT_EQ(arg.value, 0xffffffffu);
    }
    (rule.names.front() == "prctl" ? options : levels).insert(rule.args[0].value_two);
    if (rule.names.front() == "setsockopt" && rule.args[0].value_two == 6) {
      ASSERT_EQ(rule.args.size(), 2u) << "no option of TCP but by name";
      EXPECT_NE(rule.args[1].value_two, 31u) << "TCP_ULP";
    }
  }
  EXPECT_THAT(levels, ElementsAre(0, 1, 6, 41));
  EXPECT_EQ(options.count(22), 0u) << "PR_SET_SECCOMP";
  EXPECT_EQ(options.count(15), 1u) << "PR_SET_NAME";
}

}  // namespace
}  // namespace vortex::oci
