// SPDX-License-Identifier: Apache-2.0
#include "oci/cdi_edits.h"

#include <gmock/gmock.h>

#include "support/status_matchers.h"
#include "unit/oci/jobs.h"

namespace vortex::oci {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;
using vortex::testing::StatusIs;
constexpr auto kRefused = absl::StatusCode::kFailedPrecondition;

CdiDeviceNode Gpu() {
  CdiDeviceNode node;
  node.where = "x.yaml:7: node";
  node.path = "/dev/gpu0";
  node.host = {.kind = 'c', .path = "/dev/gpu0", .major = 195, .minor = 0, .mode = 0666};
  return node;
}

CdiMount Library() {
  CdiMount mount;
  mount.where = "x.yaml:9: mount";
  mount.host_path = "/usr/lib/libgpu.so.1.2.3";
  mount.container_path = "/usr/lib/libgpu.so.1.2.3";
  mount.options = {"ro", "nosuid", "nodev", "rbind", "rprivate"};
  mount.host = {.kind = '-', .path = mount.host_path, .mode = 0644, .soname = "libgpu.so.1"};
  return mount;
}

CdiHook Hook(std::vector<std::string> args) {
  return {"x.yaml:11: hook", "createContainer", "/usr/bin/nvidia-cdi-hook", std::move(args)};
}

absl::Status ErrorOf(const CdiEdits& edits) { return JudgeCdiEdits(edits).status(); }

TEST(CdiNodes, TakeTheHostsNumbersAndNeverGiveMknod) {
  VX_ASSERT_OK_AND_ASSIGN(const CdiGrant grant, JudgeCdiEdits({.device_nodes = {Gpu()}}));
  ASSERT_THAT(grant.devices, SizeIs(1));
  const DeviceGrant& device = grant.devices[0];
  EXPECT_EQ(device.path, "/dev/gpu0");
  EXPECT_EQ(device.host_path, "");
  EXPECT_EQ(device.major, 195);
  EXPECT_EQ(device.access, "rw");
}

TEST(CdiNodes, AnotherPathOnTheHostIsKept) {
  CdiDeviceNode node = Gpu();
  node.host_path = "/host/dev/gpu0";
  node.host.path = "/srv/host/dev/gpu0";  // behind a link
  node.permissions = "rm";
  VX_ASSERT_OK_AND_ASSIGN(const CdiGrant grant, JudgeCdiEdits({.device_nodes = {node}}));
  EXPECT_EQ(grant.devices[0].host_path, "/srv/host/dev/gpu0");
  EXPECT_EQ(grant.devices[0].access, "r");
}

TEST(CdiNodes, ALaterOneReplacesAnEarlierOneOfTheSamePath) {
  CdiDeviceNode later = Gpu();
  later.permissions = "r";
  VX_ASSERT_OK_AND_ASSIGN(const CdiGrant grant, JudgeCdiEdits({.device_nodes = {Gpu(), later}}));
  ASSERT_THAT(grant.devices, SizeIs(1));
  EXPECT_EQ(grant.devices[0].access, "r");
}

struct BadNode {
  std::string name;
  std::function<void(CdiDeviceNode&)> change;
  std::string message;
};
std::ostream& operator<<(std::ostream& out, const BadNode& bad) { return out << bad.name; }

class CdiBadNode : public ::testing::TestWithParam<BadNode> {};

TEST_P(CdiBadNode, IsRefusedByName) {
  CdiDeviceNode node = Gpu();
  GetParam().change(node);
  EXPECT_THAT(
      ErrorOf({.device_nodes = {node}}),
      StatusIs(kRefused, AllOf(StartsWith("x.yaml:7: node: "), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    All, CdiBadNode,
    ::testing::Values(
        BadNode{"gone", [](auto& n) { n.host.problem = "the host's /dev/gpu0: ENOENT"; },
                "the host's /dev/gpu0"},
        BadNode{"disk", [](auto& n) { n.host.kind = 'b'; }, "is a block device"},
        BadNode{"block", [](auto& n) { n.type = "b"; }, "only character devices"},
        BadNode{"fifo", [](auto& n) { n.type = "p"; }, "only character devices"},
        BadNode{"link", [](auto& n) { n.host.kind = 'l'; }, "is a symbolic link"},
        BadNode{"file", [](auto& n) { n.host.kind = '-'; }, "is a file"},
        BadNode{"elsewhere", [](auto& n) { n.path = "/etc/gpu0"; }, "is not below /dev"},
        BadNode{"dots", [](auto& n) { n.path = "/dev/../etc/x"; }, "path: "},
        BadNode{"numbers", [](auto& n) { n.major = 196; }, "says 196:0, but"},
        BadNode{"minor",
                [](auto& n) {
                  n.major = 195;
                  n.minor = 1;
                },
                "says 195:1, but"},
        BadNode{"memory",
                [](auto& n) {
                  n.host.major = 1;
                  n.host.minor = 1;
                },
                "never granted"},
        BadNode{"mode", [](auto& n) { n.file_mode = 0600; }, "fileMode 0600, but"},
        BadNode{"owner", [](auto& n) { n.uid = 5; }, "uid 5 and gid 0, but"},
        BadNode{"closed", [](auto& n) { n.host.mode = 0660; }, "MODE=\"0666\""},
        BadNode{"unwritable", [](auto& n) { n.host.mode = 0664; }, "others need rw"},
        BadNode{"permissions", [](auto& n) { n.permissions = "rx"; }, "\"rx\" is not made of"},
        BadNode{"none", [](auto& n) { n.permissions = "m"; }, "lets nobody read or write"}),
    [](const auto& test) { return test.param.name; });

TEST(CdiNodes, AreBounded) {
  CdiEdits edits;
  for (int i = 0; i < 65; ++i) {
    edits.device_nodes.push_back(Gpu());
    edits.device_nodes.back().path += std::to_string(i);
    edits.device_nodes.back().host.path = edits.device_nodes.back().path;
  }
  EXPECT_THAT(ErrorOf(edits), StatusIs(kRefused, HasSubstr("65 device nodes; at most 64")));
}

TEST(CdiEnvironment, ALaterValueReplacesAnEarlierOne) {
  VX_ASSERT_OK_AND_ASSIGN(const CdiGrant grant,
                          JudgeCdiEdits({.env = {{"a", "A=1"}, {"a", "B=2"}, {"a", "A=3"}}}));
  EXPECT_THAT(grant.env, ElementsAre("A=3", "B=2"));
}

TEST(CdiEnvironment, NamesThatSteerTheSandboxAreRefused) {
  for (const char* entry :
       {"LD_PRELOAD=/x", "LD_LIBRARY_PATH=/x", "LD_AUDIT=x", "PYTHONPATH=/x", "PYTHONSTARTUP=x",
        "PATH=/x", "HOME=/", "TMPDIR=/", "VORTEX_RESULT_TOKEN=0", "GCONV_PATH=/x",
        "GLIBC_TUNABLES=x", "HTTPS_PROXY=x", "no_proxy=*", "BASH_ENV=x", "MALLOC_PERTURB_=1"}) {
    EXPECT_THAT(ErrorOf({.env = {{"x.yaml:3: env[0]", entry}}}),
                StatusIs(kRefused, AllOf(StartsWith("x.yaml:3: env[0]: the variable "),
                                         HasSubstr("is not a device's to set"))))
        << entry;
  }
  for (const char* entry : {"", "=x", "NAME", "1A=x", "A B=x", "A-B=x"}) {
    EXPECT_THAT(ErrorOf({.env = {{"x.yaml:3: env[0]", entry}}}),
                StatusIs(kRefused, HasSubstr("is not NAME=VALUE")))
        << entry;
  }
}

TEST(CdiMounts, GoBelowTheirRootUnderEachNameTheLoaderAsksFor) {
  VX_ASSERT_OK_AND_ASSIGN(
      const CdiGrant grant,
      JudgeCdiEdits(
          {.mounts = {Library()},
           .hooks = {Hook({"nvidia-cdi-hook", "create-symlinks", "--link", "other.so::/opt/y.so",
                           "--link", "x.so::/usr/lib/y.so", "--link=libgpu.so.1::/usr/lib/x.so"}),
                     Hook({"nvidia-cdi-hook", "update-ldcache", "--folder", "/usr/lib"}),
                     {"x.yaml:20: hook",
                      "createContainer",
                      "/usr/bin/nvidia-ctk",
                      {"nvidia-ctk", "hook", "chmod", "--mode", "755"}}}}));
  std::vector<std::string> places;
  for (const MountGrant& mount : grant.mounts) {
    places.push_back(mount.destination);
    EXPECT_EQ(mount.source, "/usr/lib/libgpu.so.1.2.3");
    EXPECT_TRUE(mount.read_only && mount.driver && mount.executable);
  }
  EXPECT_THAT(places,
              ElementsAre("/mnt/cdi/usr/lib/libgpu.so.1", "/mnt/cdi/usr/lib/libgpu.so.1.2.3",
                          "/mnt/cdi/usr/lib/x.so", "/mnt/cdi/usr/lib/y.so"));
  EXPECT_THAT(grant.env, ElementsAre("LD_LIBRARY_PATH=/mnt/cdi/usr/lib"));
  EXPECT_THAT(
      grant.notes,
      ElementsAre(HasSubstr("create-symlinks is not run"), HasSubstr("update-ldcache is not run"),
                  HasSubstr("chmod is not run"), HasSubstr("the link /opt/y.so is left out")));
}

TEST(CdiMounts, SocketsOfNvidiasDaemonsAreLeftOut) {
  CdiMount socket = Library();
  socket.host_path = socket.container_path = "/run/nvidia-persistenced/socket";
  socket.host.kind = 's';
  VX_ASSERT_OK_AND_ASSIGN(const CdiGrant grant, JudgeCdiEdits({.mounts = {socket}}));
  EXPECT_TRUE(grant.mounts.empty());
  EXPECT_THAT(grant.notes, ElementsAre(HasSubstr("leads to a daemon of the host")));
  socket.host_path = "/run/other/socket";
  EXPECT_THAT(ErrorOf({.mounts = {socket}}), StatusIs(kRefused, HasSubstr("is a socket")));
}

TEST(CdiMounts, WhatIsNoReadOnlyBindMountIsRefused) {
  const auto refused = [](auto change, const char* message) {
    CdiMount mount = Library();
    change(mount);
    EXPECT_THAT(ErrorOf({.mounts = {mount}}),
                StatusIs(kRefused, AllOf(StartsWith("x.yaml:9: mount: "), HasSubstr(message))));
  };
  refused([](auto& m) { m.type = "tmpfs"; }, "only bind mounts");
  refused([](auto& m) { m.options = {"nosuid"}; }, "would be writable");
  refused([](auto& m) { m.options = {"ro", "rw"}; }, "\"rw\" is not one of a read-only");
  refused([](auto& m) { m.options = {"ro", "shared"}; }, "\"shared\" is not one of");
  refused([](auto& m) { m.options = {"ro", "dev"}; }, "\"dev\" is not one of");
  refused([](auto& m) { m.host.problem = "the host's x: gone"; }, "the host's x: gone");
  refused([](auto& m) { m.host.kind = 'c'; }, "is a character device");
  refused([](auto& m) { m.container_path = "/usr/../x"; }, "containerPath");
  refused([](auto& m) { m.container_path = "x"; }, "containerPath");
  // By what a link leads to, not by its name.
  refused([](auto& m) { m.host.path = "/proc/1/root"; }, "would show /proc of the node");
  refused([](auto& m) { m.host.path = "/run/containerd/containerd.sock"; }, "/run/containerd");
  refused([](auto& m) { m.host.path = "/run"; }, "/run/containerd");
}

TEST(CdiHooks, ThatAreNotKnownAreRefused) {
  for (const CdiHook& hook :
       {CdiHook{"h", "createContainer", "/usr/bin/evil", {"nvidia-cdi-hook", "update-ldcache"}},
        CdiHook{"h", "prestart", "/usr/bin/nvidia-cdi-hook", {"nvidia-cdi-hook", "update-ldcache"}},
        CdiHook{"h", "createContainer", "/usr/bin/nvidia-cdi-hook", {"nvidia-cdi-hook", "new"}},
        CdiHook{"h", "createContainer", "/usr/bin/nvidia-cdi-hook", {}},
        CdiHook{"h", "createContainer", "/usr/bin/nvidia-ctk", {"nvidia-ctk", "update-ldcache"}}}) {
    EXPECT_THAT(ErrorOf({.hooks = {hook}}),
                StatusIs(kRefused, HasSubstr("would run as root on the host")))
        << hook.path;
  }
  EXPECT_THAT(ErrorOf({.hooks = {Hook({"x", "create-symlinks", "--link", "a::b"})}}),
              StatusIs(kRefused, HasSubstr("is not TARGET::/ABSOLUTE/PATH")));
}

TEST(CdiHooks, LinksThatLeadToEachOtherEnd) {
  VX_ASSERT_OK_AND_ASSIGN(
      const CdiGrant grant,
      JudgeCdiEdits(
          {.hooks = {Hook({"x", "create-symlinks", "--link", "a::/b", "--link", "b::/a"})}}));
  EXPECT_TRUE(grant.mounts.empty());
  EXPECT_THAT(grant.notes, SizeIs(3));
}

TEST(CdiApply, TheSpecHasNodesRulesMountsAndVariables) {
  CdiDeviceNode other = Gpu();
  other.path = "/dev/gpu1";
  other.host_path = other.host.path = "/dev/accel7";
  other.host.minor = 7;
  other.permissions = "r";
  VX_ASSERT_OK_AND_ASSIGN(const CdiGrant grant, JudgeCdiEdits({.env = {{"e", "GPU=1"}},
                                                               .device_nodes = {Gpu(), other},
                                                               .mounts = {Library()}}));
  JobConfig job = DefaultJob();
  ApplyCdi(grant, job);
  VX_ASSERT_OK_AND_ASSIGN(const Spec spec, BuildSpec(job));
  // The runtimes bind the host's node of the same path; the other one is bound by its mount.
  ASSERT_THAT(spec.devices, SizeIs(1));
  EXPECT_EQ(spec.devices[0].path, "/dev/gpu0");
  const auto find = [&](const std::string& destination) {
    for (const Mount& mount : spec.mounts)
      if (mount.destination == destination) return mount;
    ADD_FAILURE() << destination;
    return Mount();
  };
  EXPECT_EQ(find("/dev/gpu1").source, "/dev/accel7");
  EXPECT_THAT(find("/dev/gpu1").options, ElementsAre("bind", "ro", "nosuid", "noexec", "rprivate"));
  EXPECT_THAT(find("/mnt/cdi/usr/lib/libgpu.so.1").options,
              ElementsAre("bind", "ro", "nosuid", "nodev", "rprivate"));
  ASSERT_THAT(spec.resources.devices, SizeIs(3));
  EXPECT_FALSE(spec.resources.devices[0].allow);
  EXPECT_EQ(spec.resources.devices[2].minor, 7);
  EXPECT_EQ(spec.resources.devices[2].access, "r");
  EXPECT_THAT(spec.process.env, ::testing::IsSupersetOf({"GPU=1"}));
}

TEST(CdiApply, NothingElseMayStandBelowItsRoot) {
  JobConfig job = DefaultJob();
  job.mounts = {kForATest, {{.source = "/srv/x", .destination = "/mnt/cdi/x"}}};
  EXPECT_THAT(BuildSpec(job).status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                                HasSubstr("/mnt/cdi is for the files of")));
}

}  // namespace
}  // namespace vortex::oci
