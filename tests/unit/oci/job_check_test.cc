// SPDX-License-Identifier: Apache-2.0
// What the builder refuses, and that the message names the field and the value.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/status.h"
#include "unit/oci/jobs.h"

namespace vortex::oci {
namespace {

struct Refusal {
  std::string name;
  std::function<void(JobConfig&)> change;
  std::string message;  // a part of it
};

class RefusalTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusalTest, IsInvalidArgument) {
  JobConfig job = DefaultJob();
  ASSERT_TRUE(BuildSpec(job).ok());
  GetParam().change(job);
  const absl::Status status = BuildSpec(job).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(Message(status)), ::testing::HasSubstr(GetParam().message));
}

constexpr std::int64_t kHuge = std::int64_t{1} << 60;

const std::vector<Refusal>& Refusals() {
  static const std::vector<Refusal> list = {
      {"RunIdEmpty", [](JobConfig& job) { job.run_id = ""; }, "run_id: \"\""},
      {"RunIdUpperCase", [](JobConfig& job) { job.run_id = "Run"; }, "run_id: \"Run\""},
      {"RunIdPath", [](JobConfig& job) { job.run_id = "../x"; }, "run_id: \"../x\""},
      {"RunIdLong", [](JobConfig& job) { job.run_id = std::string(65, 'a'); }, "run_id: "},
      {"RunIdBytes", [](JobConfig& job) { job.run_id = "\xff"; }, "run_id: must be UTF-8"},
      {"PluginIdEmpty", [](JobConfig& job) { job.plugin_id = ""; }, "plugin_id: empty"},
      {"PluginIdBytes", [](JobConfig& job) { job.plugin_id = "a\xc3"; },
       "plugin_id: must be UTF-8"},
      {"ArgsEmpty", [](JobConfig& job) { job.args.clear(); }, "args: empty"},
      {"ArgsEmptyProgram", [](JobConfig& job) { job.args = {""}; }, "args: empty"},
      {"ArgsRelativeProgram", [](JobConfig& job) { job.args = {"python3"}; },
       "args[0]: \"python3\" is not an absolute path"},
      {"ArgsNul",
       [](JobConfig& job) {
         job.args = {"/a", std::string("b\0c", 3)};
       },
       "args: must be UTF-8 text"},
      {"EnvWithoutEquals", [](JobConfig& job) { job.env = {"NAME"}; },
       "env: \"NAME\" is not NAME=VALUE"},
      {"EnvWithoutName", [](JobConfig& job) { job.env = {"=x"}; }, "env: \"=x\""},
      {"EnvTwice",
       [](JobConfig& job) {
         job.env = {"A=1", "A=2"};
       },
       "env: \"A\" is there twice"},
      {"EnvBytes", [](JobConfig& job) { job.env = {"A=\xed\xa0\x80"}; }, "env: must be UTF-8"},
      {"BundleRelative", [](JobConfig& job) { job.bundle_dir = "plugin"; },
       "bundle_dir: \"plugin\""},
      {"BundleEmpty", [](JobConfig& job) { job.bundle_dir = ""; }, "bundle_dir: \"\""},
      {"BundleDots", [](JobConfig& job) { job.bundle_dir = "/srv/../etc"; },
       "bundle_dir: \"/srv/../etc\""},
      {"BundleRoot", [](JobConfig& job) { job.bundle_dir = "/"; }, "bundle_dir: \"/\""},
      {"BundleProc", [](JobConfig& job) { job.bundle_dir = "/proc/1/root"; },
       "would show /proc of the node"},
      {"BundleContainerd", [](JobConfig& job) { job.bundle_dir = "/run"; },
       "would show /run/containerd"},
      {"CgroupRelative", [](JobConfig& job) { job.cgroups_path = "a"; }, "cgroups_path: \"a\""},
      {"CgroupRoot", [](JobConfig& job) { job.cgroups_path = "/"; }, "cgroups_path: \"/\""},
      {"CgroupSystemd", [](JobConfig& job) { job.cgroups_path = "x.slice:a:b"; }, "cgroups_path: "},
      {"NetworkOfAProcess",
       [](JobConfig& job) {
         job.network_namespace_path = {kForATest, "/proc/1/ns/net"};
       },
       "network_namespace_path: \"/proc/1/ns/net\""},
      {"NetworkRelative",
       [](JobConfig& job) {
         job.network_namespace_path = {kForATest, "x"};
       },
       "network_namespace_path: \"x\""},
      {"Arch", [](JobConfig& job) { job.arch = "mips"; }, "arch: \"mips\""},
      {"IdsOfRoot", [](JobConfig& job) { job.ids.host_start = 0; }, "ids.host_start: 0"},
      {"IdsOfUsers", [](JobConfig& job) { job.ids.host_start = 1000; }, "ids.host_start: 1000"},
      {"IdsTooFew", [](JobConfig& job) { job.ids.size = 65532; }, "ids.size: 65532"},
      {"IdsPastTheEnd", [](JobConfig& job) { job.ids.host_start = 0xffff0000; },
       "ids: 4294901760 + 65536"},
      {"MemorySmall", [](JobConfig& job) { job.limits.memory_bytes = (4 << 20) - 1; },
       "limits.memory_bytes: 4194303"},
      {"MemoryHuge", [](JobConfig& job) { job.limits.memory_bytes = kHuge; },
       "limits.memory_bytes: 115292150460684697"},
      {"CpuSmall", [](JobConfig& job) { job.limits.millicpus = 9; }, "limits.millicpus: 9"},
      {"CpuHuge", [](JobConfig& job) { job.limits.millicpus = kHuge; }, "limits.millicpus: "},
      {"PidsOne", [](JobConfig& job) { job.limits.pids = 1; }, "limits.pids: 1"},
      {"PidsHuge", [](JobConfig& job) { job.limits.pids = kHuge; }, "limits.pids: "},
      {"TmpZero", [](JobConfig& job) { job.limits.tmp_bytes = 0; }, "limits.tmp_bytes: 0"},
      {"NofileSmall", [](JobConfig& job) { job.limits.nofile = 3; }, "limits.nofile: 3"},
      {"NofileHuge", [](JobConfig& job) { job.limits.nofile = 1 << 21; }, "limits.nofile: 2097152"},
      {"FsizeNegative", [](JobConfig& job) { job.limits.fsize_bytes = -1; },
       "limits.fsize_bytes: -1"},
      {"CapabilityUnknown",
       [](JobConfig& job) {
         job.capabilities = {kForATest, {"CAP_FLY"}};
       },
       "capabilities: \"CAP_FLY\""},
      {"CapabilityShort",
       [](JobConfig& job) {
         job.capabilities = {kForATest, {"KILL"}};
       },
       "capabilities: \"KILL\""},
      {"CapabilityTwice",
       [](JobConfig& job) {
         job.capabilities = {kForATest, {"CAP_KILL", "CAP_KILL"}};
       },
       "is there twice"},
      {"MountRelative",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"srv", "/mnt/x"}}};
       },
       "mounts.source: \"srv\""},
      {"MountOfRoot",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"/", "/mnt/x"}}};
       },
       "mounts.source: \"/\""},
      {"MountOfSys",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"/sys/kernel", "/mnt/x"}}};
       },
       "mounts.source: \"/sys/kernel\""},
      {"MountOfTheSocket",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"/run/containerd/containerd.sock", "/mnt/x"}}};
       },
       "mounts.source: "},
      {"MountOverPlugin",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"/srv", "/plugin/x"}}};
       },
       "mounts.destination: \"/plugin/x\" is not below /mnt"},
      {"MountOverProc",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"/srv", "/proc"}}};
       },
       "is not below /mnt"},
      {"MountOverDev",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"/srv", "/dev/x"}}};
       },
       "is not below /mnt"},
      {"MountOverSys",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"/srv", "/sys"}}};
       },
       "is not below /mnt"},
      {"MountOverPrograms",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"/srv", "/usr/lib"}}};
       },
       "is not below /mnt"},
      {"MountOverLink",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"/srv", "/lib64"}}};
       },
       "is not below /mnt"},
      {"MountDots",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"/srv", "/mnt/../proc"}}};
       },
       "mounts.destination: "},
      {"MountTwice",
       [](JobConfig& job) {
         job.mounts = {kForATest, {{"/srv/a", "/mnt/x"}, {"/srv/b", "/mnt/x"}}};
       },
       "is there twice"},
      {"DeviceElsewhere",
       [](JobConfig& job) {
         job.devices = {kForATest, {{.path = "/tmp/x", .major = 1, .minor = 3}}};
       },
       "devices.path: \"/tmp/x\""},
      {"DeviceType",
       [](JobConfig& job) {
         job.devices = {kForATest, {{.path = "/dev/x", .type = "p"}}};
       },
       "devices.type: \"p\""},
      {"DeviceWildcard",
       [](JobConfig& job) {
         job.devices = {kForATest, {{.path = "/dev/x", .major = 195, .minor = -1}}};
       },
       "/dev/x has the number 195:-1"},
      {"DeviceMemory",
       [](JobConfig& job) {
         job.devices = {kForATest, {{.path = "/dev/mem", .major = 1, .minor = 1}}};
       },
       "devices: /dev/mem (1:1)"},
      {"DeviceAccess",
       [](JobConfig& job) {
         job.devices = {kForATest, {{.path = "/dev/x", .major = 9, .minor = 9, .access = "x"}}};
       },
       "devices.access: \"x\""},
      {"DeviceMode",
       [](JobConfig& job) {
         job.devices = {kForATest,
                        {{.path = "/dev/x", .major = 9, .minor = 9, .file_mode = 04777}}};
       },
       "devices.file_mode: 04777"},
      {"DeviceTwice",
       [](JobConfig& job) {
         job.devices = {kForATest,
                        {{.path = "/dev/x", .major = 9, .minor = 9},
                         {.path = "/dev/x", .major = 9, .minor = 8}}};
       },
       "is there twice"},
      {"AnnotationOfGvisor",
       [](JobConfig& job) { job.annotations["dev.gvisor.flag.debug"] = "true"; },
       "annotations: \"dev.gvisor.flag.debug\""},
      {"AnnotationOfKata",
       [](JobConfig& job) { job.annotations["io.katacontainers.config.hypervisor.path"] = "/x"; },
       "annotations: \"io.katacontainers."},
      {"AnnotationOfCrun", [](JobConfig& job) { job.annotations["run.oci.handler"] = "x"; },
       "annotations: "},
      {"AnnotationOurs", [](JobConfig& job) { job.annotations["io.vortex.run-id"] = "x"; },
       "annotations: \"io.vortex.run-id\" is set from the job"},
      {"AnnotationSpace", [](JobConfig& job) { job.annotations["io.vortex.a b"] = "x"; },
       "annotations: "},
      {"AnnotationBytes", [](JobConfig& job) { job.annotations["io.vortex.a"] = "\xff"; },
       "annotations.io.vortex.a: "},
  };
  return list;
}

INSTANTIATE_TEST_SUITE_P(Job, RefusalTest, ::testing::ValuesIn(Refusals()),
                         [](const auto& test) { return test.param.name; });

TEST(JobCheckTest, EdgesAreAccepted) {
  JobConfig job = DefaultJob();
  job.run_id = std::string(64, '9');
  job.limits = {.memory_bytes = 4 << 20,
                .millicpus = 10,
                .pids = 2,
                .tmp_bytes = 1,
                .nofile = 16,
                .fsize_bytes = 1};
  job.ids = {.host_start = 65536, .size = 65533};
  job.env = {"EMPTY=", "EQUALS=a=b", "TEXT=\xc3\xa9\xe2\x82\xac"};
  job.mounts = {kForATest, {{"/srv/runs", "/mnt/data"}, {"/run/containerd-like", "/mnt/procs"}}};
  EXPECT_TRUE(BuildSpec(job).ok()) << BuildSpec(job).status();
  job.ids = {.host_start = 0xffffffff - 65536, .size = 65536};
  EXPECT_TRUE(BuildSpec(job).ok()) << BuildSpec(job).status();
}

}  // namespace
}  // namespace vortex::oci
