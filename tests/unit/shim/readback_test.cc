// SPDX-License-Identifier: Apache-2.0
#include "shim/readback.h"

#include <gtest/gtest.h>

#include "shim/readback_checks.h"

namespace vortex::shim {
namespace {

TEST(ReadbackTest, FieldsOfProcStatus) {
  const char text[] = "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\nNoNewPrivs:\t1\n";
  EXPECT_EQ(StatusField(text, "Seccomp"), "2");
  EXPECT_EQ(StatusField(text, "NoNewPrivs"), "1");
  EXPECT_EQ(StatusField(text, "CapBnd"), "");
}

TEST(ReadbackTest, LinksOfANetworkNamespace) {
  const char text[] =
      "Inter-|   Receive                |  Transmit\n face |bytes    packets|bytes\n    lo:       "
      "0       0\n  eth0: 1 2\n";
  EXPECT_EQ(LinkNames(text), (std::vector<std::string>{"lo", "eth0"}));
}

TEST(ReadbackTest, DeviceRulesThatNobodyAskedFor) {
  SpecControls spec;
  spec.device_rules = {{false, 'a', -1, -1, "rwm"}, {true, 'c', 195, -1, "rw"}};
  EXPECT_TRUE(
      ForeignDeviceRules("c *:* m\nb *:* m\nc 1:3 rwm\nc 136:* rwm\nc 195:0 rw\n", spec).empty());
  EXPECT_EQ(ForeignDeviceRules("c 195:0 rwm\nc 10:229 rw\n", spec),
            (std::vector<std::string>{"c 195:0 rwm", "c 10:229 rw"}));
  EXPECT_EQ(ForeignDeviceRules("a *:* rwm", spec).size(), 1U);
  EXPECT_EQ(ForeignDeviceRules("garbage", spec).size(), 1U);
}

TEST(ReadbackTest, IdMaps) {
  EXPECT_EQ(ParseIdMap("     65536     70000          1\n         0 1879048192      65536\n"),
            (std::vector<SpecIdMapping>{{0, 1879048192, 65536}, {65536, 70000, 1}}));
  EXPECT_TRUE(ParseIdMap("").empty());
}

TEST(ReadbackTest, AMountThatTheSpecDoesNotHave) {
  SpecControls spec;
  spec.mounts = {{"/proc", "proc", "proc", {}}, {"/data", "bind", "/x", {"rbind"}}};
  spec.masked_paths = {"/proc/kcore"};
  const std::vector<std::string> good = {"/",         "/proc", "/proc/kcore",
                                         "/dev/null", "/data", "/data/below"};
  EXPECT_EQ(UnexpectedMount(good, spec), "");
  for (const char* extra : {"/etc", "/proc", "/proc/kcore", "/proc/below", "/dev/kmsg"}) {
    auto points = good;
    points.emplace_back(extra);
    EXPECT_EQ(UnexpectedMount(points, spec), extra);
  }
  EXPECT_EQ(UnescapeMountPath("/a\\040b\\"), "/a b\\");
}

std::string Missing(void (*check)(const SpecControls&, std::string_view, ControlChecker*),
                    const SpecControls& spec, const char* status) {
  std::vector<ControlReading> readings;
  ControlChecker checker(&readings);
  check(spec, status, &checker);
  return checker.result().message;
}

// Each set by itself, bit by bit: as many others would not do.
TEST(ReadbackTest, CapabilitiesSetBySet) {
  SpecControls spec;
  spec.capabilities.fill(1);
  const std::string good =
      "CapInh:\t0000000000000001\nCapPrm:\t0000000000000001\nCapEff:\t0000000000000000\n"
      "CapBnd:\t0000000000000001\nCapAmb:\t0000000000000001\n";
  EXPECT_EQ(Missing(CheckCapabilities, spec, good.c_str()), "");
  for (const std::string_view set : kCapabilitySets) {
    std::string bad = good;
    bad.replace(bad.find(set) + set.size() + 2, 16, "0000000000000020");
    EXPECT_NE(Missing(CheckCapabilities, spec, bad.c_str())
                  .find("capabilities: asked for " + std::string(set) + " without CAP_KILL"),
              std::string::npos);
  }
  EXPECT_NE(Missing(CheckCapabilities, spec, "CapInh:\t1\n"), "");
}

TEST(ReadbackTest, EveryIdOfTheProcess) {
  SpecControls spec;
  spec.uid = spec.gid = 5;
  spec.additional_gids = {7};
  spec.uid_mappings = spec.gid_mappings = {{0, 1000, 10}};
  EXPECT_EQ(Missing(CheckIdentity, spec,
                    "Uid:\t1005\t1005\t1005\t1005\nGid:\t1005\t1005\t1005\t1005\nGroups:\t1007 \n"),
            "");
  EXPECT_NE(Missing(CheckIdentity, spec, "Uid:\t1005\t1005\t0\t1005\n").find("control uid"),
            std::string::npos);
  EXPECT_NE(Missing(CheckIdentity, spec,
                    "Uid:\t1005\t1005\t1005\t1005\nGid:\t1005\t1005\t1005\t1005\nGroups:\t1007 0\n")
                .find("control groups: asked for 1007, in force is 1007 0"),
            std::string::npos);
}

TEST(ReadbackTest, ALabelThatIsNotThereIsMissing) {
  SpecControls spec;
  spec.apparmor_profile = "vortex-no-such-profile";
  std::vector<ControlReading> readings;
  ControlChecker checker(&readings);
  CheckLabels("/proc/self", spec, &checker);
  EXPECT_NE(checker.result().message.find("control apparmor"), std::string::npos);
  SpecControls other;
  other.selinux_label = "vortex:no:such:label";
  ControlChecker second(&readings);
  CheckLabels("/proc/self", other, &second);
  EXPECT_NE(second.result().message.find("control selinux"), std::string::npos);
}

// The control that a job asks for and does not get, by name.
TEST(ReadbackTest, AMissingLimitStopsOurJobsAndNobodyElses) {
  base::EventLoop loop;
  base::ChildReaper reaper(&loop);
  Container container(&loop, "c1");
  container.cli = std::make_unique<RuntimeCli>(&reaper, "/bundle", "ns", RuntimeOptions(),
                                               std::vector<std::string>());
  container.config.memory_limit = 1 << 20;  // and no cgroup at all
  EXPECT_TRUE(CheckInForce(&container).ok());
  container.config.annotations["io.vortex.run-id"] = "r1";
  const Status status = CheckInForce(&container);
  EXPECT_EQ(status.code, Code::kFailedPrecondition);
  EXPECT_NE(status.message.find("sandbox_unavailable: control memory_bytes"), std::string::npos)
      << status.message;
}

}  // namespace
}  // namespace vortex::shim
