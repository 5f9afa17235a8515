// SPDX-License-Identifier: Apache-2.0
// Each hardened default by the attack that it stops: a spec without it is a bug, under every class
// that it is for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "oci/canonical_json.h"
#include "unit/oci/jobs.h"

namespace vortex::oci {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

Spec Build(const JobConfig& job) { return BuildSpec(job).value(); }

const Mount* FindMount(const Spec& spec, const std::string& destination) {
  const auto found = std::find_if(spec.mounts.begin(), spec.mounts.end(), [&](const Mount& mount) {
    return mount.destination == destination;
  });
  return found == spec.mounts.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> FindRlimit(const Spec& spec, const std::string& type) {
  for (const Rlimit& limit : spec.process.rlimits) {
    if (limit.type != type) continue;
    EXPECT_EQ(limit.soft, limit.hard) << type << ": the plugin could raise the soft limit";
    return limit.hard;
  }
  return std::nullopt;
}

std::vector<std::string> NamespaceTypes(const Spec& spec) {
  std::vector<std::string> types;
  for (const Namespace& ns : spec.namespaces) types.push_back(ns.type);
  return types;
}

class EveryClass : public ::testing::TestWithParam<RuntimeClass> {
 protected:
  JobConfig job_ = DefaultJob(GetParam());
  Spec spec_ = Build(job_);
};

INSTANTIATE_TEST_SUITE_P(Class, EveryClass,
                         ::testing::Values(RuntimeClass::kRunc, RuntimeClass::kCrun,
                                           RuntimeClass::kGvisor, RuntimeClass::kKata),
                         [](const auto& test) { return std::string(Name(test.param)); });

TEST_P(EveryClass, SeeingOtherProcessesMountsSocketsAndNames) {
  EXPECT_THAT(NamespaceTypes(spec_),
              IsSupersetOf({"cgroup", "ipc", "mount", "network", "pid", "uts"}));
  for (const Namespace& ns : spec_.namespaces)
    EXPECT_EQ(ns.path, "") << ns.type << " is somebody else's";
}

TEST_P(EveryClass, ReachingTheNetwork) {
  EXPECT_EQ(std::count(spec_.namespaces.begin(), spec_.namespaces.end(), Namespace{"network", ""}),
            1);
}

TEST_P(EveryClass, RunningAsRoot) {
  EXPECT_EQ(spec_.process.uid, kDefaultUid);
  EXPECT_EQ(spec_.process.gid, kDefaultUid);
}

TEST_P(EveryClass, UsingCapabilities) {
  const Capabilities& caps = spec_.process.capabilities;
  for (const auto* set :
       {&caps.ambient, &caps.bounding, &caps.effective, &caps.inheritable, &caps.permitted}) {
    EXPECT_THAT(*set, IsEmpty());
  }
}

TEST_P(EveryClass, GainingPrivilegesBySetuidPrograms) {
  EXPECT_TRUE(spec_.process.no_new_privileges);
  for (const Mount& mount : spec_.mounts)
    EXPECT_THAT(mount.options, Contains("nosuid")) << mount.destination;
}

TEST_P(EveryClass, ChangingTheImageForTheNextRun) { EXPECT_TRUE(spec_.root_readonly); }

TEST_P(EveryClass, ChangingItsOwnBundle) {
  const Mount* plugin = FindMount(spec_, "/plugin");
  ASSERT_NE(plugin, nullptr);
  EXPECT_EQ(plugin->source, job_.bundle_dir);
  EXPECT_THAT(plugin->options, IsSupersetOf({"bind", "ro", "nosuid", "nodev", "rprivate"}));
}

TEST_P(EveryClass, LeavingProgramsInTmp) {
  for (const char* path : {"/tmp", "/dev/shm"}) {
    const Mount* mount = FindMount(spec_, path);
    ASSERT_NE(mount, nullptr) << path;
    EXPECT_THAT(mount->options, IsSupersetOf({"noexec", "nosuid", "nodev"})) << path;
  }
}

TEST_P(EveryClass, FillingMemoryThroughTmpfs) {
  for (const Mount& mount : spec_.mounts) {
    if (mount.type != "tmpfs") continue;
    EXPECT_TRUE(std::any_of(mount.options.begin(), mount.options.end(),
                            [](const std::string& option) { return option.starts_with("size="); }))
        << mount.destination;
  }
}

TEST_P(EveryClass, TuningTheKernelThroughSys) {
  EXPECT_EQ(FindMount(spec_, "/sys"), nullptr);
  EXPECT_EQ(FindMount(spec_, "/sys/fs/cgroup"), nullptr);
}

TEST_P(EveryClass, OpeningDevices) {
  ASSERT_THAT(spec_.resources.devices, ::testing::SizeIs(1));
  EXPECT_FALSE(spec_.resources.devices.front().allow);
  EXPECT_EQ(spec_.resources.devices.front().access, "rwm");
  EXPECT_EQ(spec_.resources.devices.front().type, "");
  EXPECT_THAT(spec_.devices, IsEmpty());
}

TEST_P(EveryClass, TakingTheNodesMemory) {
  EXPECT_GE(spec_.resources.memory_limit, job_.limits.memory_bytes);
}

TEST_P(EveryClass, TakingTheNodesProcessors) {
  EXPECT_EQ(spec_.resources.cpu_quota, 100'000u);
  EXPECT_EQ(spec_.resources.cpu_period, 100'000u);
}

TEST_P(EveryClass, ForkBomb) {
  EXPECT_TRUE(spec_.resources.pids_limit.has_value() || FindRlimit(spec_, "RLIMIT_NPROC") == 64u);
}

TEST_P(EveryClass, FillingTheDiskAndTheNodesTables) {
  EXPECT_EQ(FindRlimit(spec_, "RLIMIT_CORE"), 0u);
  EXPECT_EQ(FindRlimit(spec_, "RLIMIT_FSIZE"), 64u << 20);
  EXPECT_EQ(FindRlimit(spec_, "RLIMIT_NOFILE"), 1024u);
  EXPECT_EQ(FindRlimit(spec_, "RLIMIT_MEMLOCK"), 64u << 10);
}

TEST_P(EveryClass, StarvingTheNodeByPriority) {
  EXPECT_EQ(FindRlimit(spec_, "RLIMIT_RTPRIO"), 0u);
  EXPECT_EQ(FindRlimit(spec_, "RLIMIT_NICE"), 0u);
}

TEST_P(EveryClass, OutlivingTheNodesOwnServicesWhenMemoryRunsOut) {
  EXPECT_EQ(spec_.process.oom_score_adj, 500);
}

TEST_P(EveryClass, SpreadingMountsToTheHost) {
  EXPECT_EQ(spec_.rootfs_propagation, "private");
  for (const Mount& mount : spec_.mounts) {
    EXPECT_THAT(mount.options, Not(Contains("shared"))) << mount.destination;
    EXPECT_THAT(mount.options, Not(Contains("rshared"))) << mount.destination;
  }
}

TEST_P(EveryClass, LearningTheNodesName) { EXPECT_EQ(spec_.hostname, "vortex"); }

TEST_P(EveryClass, IsKnownByItsAnnotations) {
  EXPECT_EQ(spec_.annotations.at("io.vortex.run-id"), job_.run_id);
  EXPECT_EQ(spec_.annotations.at("io.vortex.plugin-id"), job_.plugin_id);
  EXPECT_EQ(spec_.annotations.at("io.vortex.runtime-class"), Name(GetParam()));
}

class SharedKernel : public EveryClass {};

INSTANTIATE_TEST_SUITE_P(Class, SharedKernel,
                         ::testing::Values(RuntimeClass::kRunc, RuntimeClass::kCrun),
                         [](const auto& test) { return std::string(Name(test.param)); });

TEST_P(SharedKernel, BeingAUserOfTheHost) {
  EXPECT_THAT(NamespaceTypes(spec_), Contains("user"));
  for (const auto* mappings : {&spec_.uid_mappings, &spec_.gid_mappings}) {
    ASSERT_THAT(*mappings, ::testing::SizeIs(1));
    EXPECT_EQ(mappings->front().container_id, 0u);
    EXPECT_EQ(mappings->front().host_id, job_.ids.host_start);
    EXPECT_EQ(mappings->front().size, job_.ids.size);
  }
}

TEST_P(SharedKernel, ReachingRareKernelCode) {
  ASSERT_TRUE(spec_.seccomp.has_value());
  EXPECT_EQ(spec_.seccomp->default_action, "SCMP_ACT_ERRNO");
}

TEST_P(SharedKernel, ReadingTheNodesSecretsInProc) {
  EXPECT_THAT(spec_.masked_paths,
              IsSupersetOf({"/proc/kcore", "/proc/keys", "/proc/kallsyms", "/proc/sysrq-trigger",
                            "/proc/timer_list", "/proc/cmdline", "/proc/interrupts",
                            "/proc/buddyinfo", "/proc/zoneinfo", "/proc/locks"}));
  EXPECT_THAT(spec_.readonly_paths, IsSupersetOf({"/proc/sys", "/proc/irq"}));
  EXPECT_TRUE(std::is_sorted(spec_.masked_paths.begin(), spec_.masked_paths.end()));
}

TEST_P(SharedKernel, SwappingInsteadOfStopping) {
  EXPECT_EQ(spec_.resources.memory_swap, spec_.resources.memory_limit);
}

TEST_P(SharedKernel, ForkBombIsCountedByTheKernel) { EXPECT_EQ(spec_.resources.pids_limit, 64); }

TEST(LoweringTest, GvisorsSentryHasRoomOfItsOwn) {
  JobConfig job = DefaultJob(RuntimeClass::kGvisor);
  Spec spec = Build(job);
  EXPECT_EQ(spec.resources.memory_limit, job.limits.memory_bytes + (32 << 20));
  EXPECT_EQ(spec.resources.pids_limit, 512);
  EXPECT_EQ(FindRlimit(spec, "RLIMIT_NPROC"), 64u);
  EXPECT_FALSE(spec.seccomp.has_value());
  EXPECT_THAT(spec.masked_paths, IsEmpty());
  EXPECT_EQ(spec.annotations.at("io.kubernetes.cri.container-type"), "sandbox");
  job.limits.pids = 1000;
  EXPECT_EQ(Build(job).resources.pids_limit, 6064);
}

TEST(LoweringTest, KataIsAskedForNothingThatItDropsOrRefuses) {
  JobConfig job = DefaultJob(RuntimeClass::kKata);
  job.cgroup_v2 = true;
  const Spec spec = Build(job);
  EXPECT_FALSE(spec.resources.pids_limit.has_value());
  EXPECT_FALSE(spec.resources.memory_swap.has_value());
  EXPECT_FALSE(spec.seccomp.has_value());
  EXPECT_THAT(spec.resources.unified, IsEmpty());
  EXPECT_THAT(NamespaceTypes(spec), Not(Contains("user")));
  EXPECT_THAT(spec.uid_mappings, IsEmpty());
  EXPECT_EQ(spec.annotations.count("io.kubernetes.cri.container-type"), 0u)
      << "it changes the size of the VM";
}

TEST(GrantTest, CapabilityIsInEverySetSoThatItOutlivesExecve) {
  JobConfig job = DefaultJob();
  job.capabilities = {kForATest, {"CAP_NET_BIND_SERVICE", "CAP_KILL"}};
  const Capabilities caps = Build(job).process.capabilities;
  for (const auto* set :
       {&caps.ambient, &caps.bounding, &caps.effective, &caps.inheritable, &caps.permitted}) {
    EXPECT_THAT(*set, ElementsAre("CAP_KILL", "CAP_NET_BIND_SERVICE"));
  }
}

TEST(GrantTest, DeviceRulesComeAfterTheDenial) {
  JobConfig job = DefaultJob();
  job.devices = {kForATest, {{.path = "/dev/nvidia0", .major = 195, .minor = 0}}};
  const Spec spec = Build(job);
  ASSERT_THAT(spec.resources.devices, ::testing::SizeIs(2));
  EXPECT_FALSE(spec.resources.devices[0].allow);
  EXPECT_TRUE(spec.resources.devices[1].allow);
  EXPECT_EQ(spec.resources.devices[1].major, 195);
  EXPECT_EQ(spec.resources.devices[1].minor, 0);
  ASSERT_THAT(spec.devices, ::testing::SizeIs(1));
  EXPECT_EQ(spec.devices[0].path, "/dev/nvidia0");
}

TEST(GrantTest, MountIsReadOnlyUnlessGrantedOtherwiseAndNeverExecutable) {
  JobConfig job = DefaultJob();
  job.mounts = {kForATest,
                {{.source = "/srv/b", .destination = "/mnt/out", .read_only = false},
                 {.source = "/srv/a", .destination = "/mnt/models"}}};
  const Spec spec = Build(job);
  EXPECT_THAT(FindMount(spec, "/mnt/models")->options,
              ElementsAre("bind", "ro", "nosuid", "nodev", "noexec", "rprivate"));
  EXPECT_THAT(FindMount(spec, "/mnt/out")->options,
              ElementsAre("bind", "rw", "nosuid", "nodev", "noexec", "rprivate"));
}

TEST(GrantTest, OuterMountComesBeforeTheOneInside) {
  JobConfig job = DefaultJob();
  job.mounts = {kForATest,
                {{.source = "/srv/b", .destination = "/mnt/data/in"},
                 {.source = "/srv/a", .destination = "/mnt/data"}}};
  const Spec spec = Build(job);
  EXPECT_LT(FindMount(spec, "/mnt/data"), FindMount(spec, "/mnt/data/in"));
}

TEST(GrantTest, NetworkNamespaceIsJoinedByPath) {
  JobConfig job = DefaultJob();
  job.network_namespace_path = {kForATest, "/run/netns/x"};
  EXPECT_THAT(Build(job).namespaces, Contains(Namespace{"network", "/run/netns/x"}));
}

TEST(GrantTest, CgroupV2FilesOnlyOnSuchANode) {
  JobConfig job = DefaultJob();
  EXPECT_THAT(Build(job).resources.unified, IsEmpty());  // runc refuses them on v1
  job.cgroup_v2 = true;
  EXPECT_EQ(Build(job).resources.unified.at("memory.oom.group"), "1");
}

TEST(BuildSpecTest, OrderWithoutMeaningDoesNotChangeTheBytes) {
  JobConfig job = DefaultJob();
  job.capabilities = {kForATest, {"CAP_KILL", "CAP_CHOWN", "CAP_FOWNER"}};
  job.mounts = {kForATest,
                {{.source = "/srv/a", .destination = "/mnt/a"},
                 {.source = "/srv/b", .destination = "/mnt/b"}}};
  job.devices = {kForATest,
                 {{.path = "/dev/x0", .major = 240, .minor = 0},
                  {.path = "/dev/x1", .major = 240, .minor = 1}}};
  const std::string want = ToCanonicalJson(Build(job));
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(job.env.begin(), job.env.end(), random);
    const auto shuffle = [&](auto& field) {
      auto items = *field;
      std::shuffle(items.begin(), items.end(), random);
      field = {kForATest, items};
    };
    shuffle(job.capabilities);
    shuffle(job.mounts);
    shuffle(job.devices);
    ASSERT_EQ(ToCanonicalJson(Build(job)), want);
  }
}

TEST(BuildSpecTest, OrderOfArgumentsIsKept) {
  JobConfig job = DefaultJob();
  job.args = {"/plugin/x", "b", "a"};
  EXPECT_THAT(Build(job).process.args, ElementsAre("/plugin/x", "b", "a"));
}

}  // namespace
}  // namespace vortex::oci
