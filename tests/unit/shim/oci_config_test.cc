// SPDX-License-Identifier: Apache-2.0
#include "shim/oci_config.h"

#include <gtest/gtest.h>

namespace vortex::shim {
namespace {

constexpr char kConfig[] = R"({
  "ociVersion": "1.0.2",
  "process": {"terminal": true, "args": ["x"], "noNewPrivileges": true,
              "capabilities": {"bounding": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN"]}},
  "root": {"path": "rootfs", "readonly": true},
  "mounts": [{"destination": "/tmp", "type": "tmpfs", "options": ["nosuid", "size=1k"]}],
  "linux": {"namespaces": [{"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"}],
            "seccomp": {"defaultAction": "SCMP_ACT_ERRNO"},
            "resources": {"memory": {"limit": 1048576, "swap": 2097152}, "pids": {"limit": 32},
                          "cpu": {"quota": 20000, "period": 100000}}},
  "annotations": {"io.vortex.run-id": "r1", "somebody.else": "x", "io.kubernetes.cri.sandbox-id": "pod"}
})";

TEST(OciConfigTest, TakesWhatTheShimActsOn) {
  const auto config = ParseOciConfig(kConfig);
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->terminal);
  EXPECT_TRUE(config->no_new_privileges);
  EXPECT_TRUE(config->readonly_root);
  EXPECT_TRUE(config->has_seccomp);
  EXPECT_FALSE(config->shared_pid_namespace);
  EXPECT_TRUE(config->own_network_namespace);
  EXPECT_EQ(config->network_path, "/proc/1/ns/net");
  EXPECT_EQ(config->memory_limit, 1048576);
  EXPECT_EQ(config->memory_swap, 2097152);
  EXPECT_EQ(config->pids_limit, 32);
  EXPECT_EQ(config->cpu_quota, 20000);
  EXPECT_EQ(config->annotations.count("somebody.else"), 0U);
}

TEST(OciConfigTest, APodsContainerIsNotOurJobWhateverItsAnnotationsSay) {
  EXPECT_FALSE(ParseOciConfig(kConfig)->OurJob());
  EXPECT_TRUE(ParseOciConfig(R"({"annotations": {"io.vortex.run-id": "r1"}})")->OurJob());
  EXPECT_FALSE(ParseOciConfig(R"({"annotations": {"io.vortex.report": "/etc/x"}})")->OurJob());
}

TEST(OciConfigTest, ATraceSessionIsTakenFromBesideTheReportOnly) {
  const auto trace = [](const std::string& report, const std::string& config,
                        const char* run_id = "r1") {
    return TraceConfigOf(*ParseOciConfig(R"({"annotations": {"io.vortex.run-id": ")" +
                                         std::string(run_id) + R"(", "io.vortex.report": ")" +
                                         report + R"(", "io.vortex.trace-config": ")" + config +
                                         R"("}})"));
  };
  EXPECT_EQ(trace("/run/vortex/runs/r1/report", "/run/vortex/runs/r1/trace.json"),
            "/run/vortex/runs/r1/trace.json");
  EXPECT_EQ(trace("/run/vortex/runs/r1/report", "/tmp/trace.json"), "");
  EXPECT_EQ(trace("/run/vortex/runs/r1/report", "/run/vortex/runs/r1/other"), "");
  EXPECT_EQ(trace("/run/x/../report", "/run/x/../trace.json"), "");
  EXPECT_EQ(trace("report", "/trace.json"), "");
  EXPECT_EQ(trace("", "/trace.json"), "");
  EXPECT_EQ(trace("/run/vortex/runs/r1/report", "/run/vortex/runs/r1/trace.json", ""), "");
}

TEST(OciConfigTest, ThePidNamespaceIsSharedUnlessItIsNew) {
  EXPECT_TRUE(ParseOciConfig("{}")->shared_pid_namespace);
  EXPECT_TRUE(ParseOciConfig(R"({"linux":{"namespaces":[{"type":"pid","path":"/proc/1/ns/pid"}]}})")
                  ->shared_pid_namespace);
}

TEST(OciConfigTest, GroupsByTheFirstKeyThatIsThere) {
  EXPECT_EQ(GroupOf(*ParseOciConfig(kConfig), "id"), "pod");
  EXPECT_EQ(
      GroupOf(
          *ParseOciConfig(
              R"({"annotations":{"io.containerd.runc.v2.group":"g","io.kubernetes.cri.sandbox-id":"p"}})"),
          "id"),
      "g");
  EXPECT_EQ(GroupOf(*ParseOciConfig("{}"), "id"), "id");
}

TEST(OciConfigTest, RefusesTextThatIsNoObject) {
  for (const char* text : {"", "[]", "{", "null", R"({"a":1} x)"})
    EXPECT_FALSE(ParseOciConfig(text)) << text;
}

TEST(SetTerminalTest, ReplacesOrInserts) {
  EXPECT_EQ(SetTerminal(R"({"args":["terminal"],"terminal": false})", true),
            R"({"args":["terminal"],"terminal": true})");
  EXPECT_EQ(SetTerminal(R"({"args":[]})", false), R"({"terminal":false,"args":[]})");
  EXPECT_EQ(SetTerminal("{}", true), R"({"terminal":true})");
  EXPECT_EQ(SetTerminal("[]", true), std::nullopt);
  EXPECT_EQ(SetTerminal("{\"a\":", true), std::nullopt);
}

}  // namespace
}  // namespace vortex::shim
