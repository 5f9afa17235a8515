// SPDX-License-Identifier: Apache-2.0
#include "review/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "review/output.h"
#include "unit/review/goldens.h"

namespace vortex::review {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> Rules(const AuditReport& report, Severity least) {
  std::vector<std::string> out;
  for (const Finding& finding : report.findings) {
    if (finding.not_applicable.empty() && finding.severity >= least)
      out.emplace_back(finding.rule->name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

AuditReport AuditText(const std::string& text, const std::string& runtime_class = "") {
  return AuditSpec(text, {.runtime_class = runtime_class}).value();
}

// What a grant loosens is seen, and nothing else.
TEST(AuditTest, GoldensHaveTheFindingsOfTheirGrants) {
  const std::map<std::string, std::vector<std::string>> want = {
      {"runc-capability", {"capabilities.net-bind-service"}},
      {"runc-raw-sockets", {"capabilities.net-raw", "seccomp.raw-sockets"}},
      {"runc-device", {"devices.node", "devices.node", "seccomp.ioctl-unfiltered"}},
      {"runc-with-cdi-device",
       {"devices.node", "devices.rule-without-node", "mounts.node-files", "mounts.without-nodev",
        "process.env-loader", "seccomp.ioctl-unfiltered"}},
      {"runc-extra-mount", {"mounts.writable-host-bind"}},
      {"runc-network-namespace", {"namespaces.joined-network"}}};
  for (const auto& path : Goldens()) {
    const auto found = want.find(path.stem());
    EXPECT_EQ(Rules(AuditText(ReadText(path)), Severity::kWarning),
              found == want.end() ? std::vector<std::string>() : found->second)
        << path;
  }
}

TEST(AuditTest, ClassComesFromTheCallerFirst) {
  const std::string spec = R"({"annotations": {"io.vortex.runtime-class": "gvisor"}})";
  EXPECT_EQ(AuditText(spec).runtime_class, "gvisor");
  EXPECT_EQ(AuditText(spec, "runc").runtime_class, "runc");
  EXPECT_THAT(Rules(AuditText(spec), Severity::kHigh), Not(Contains("seccomp.absent")));
  EXPECT_THAT(Rules(AuditText(spec, "runc"), Severity::kHigh), Contains("seccomp.absent"));
  EXPECT_FALSE(AuditSpec(spec, {.runtime_class = "lxc"}).ok());
}

TEST(AuditTest, OddFieldsAreFindings) {
  const std::string spec =
      R"({"process": {"NoNewPrivileges": true, "noNewPrivilege": true, "cwd": 7,
    "args": ["a\u0000b"]}, "windows": {}})";
  const auto rules = Rules(AuditText(spec), Severity::kNote);
  for (const char* rule : {"spec.case-variant-field", "spec.unknown-field", "spec.wrong-type",
                           "spec.nul-in-string", "spec.foreign-platform", "spec.missing-section"})
    EXPECT_THAT(rules, Contains(rule));
}

TEST(AuditTest, PositionIsThatOfTheValue) {
  const auto report = AuditText("{\n \"process\": {\"user\": {\"uid\": 0}}}");
  for (const Finding& finding : report.findings) {
    if (finding.rule->name != "process.root-user") continue;
    EXPECT_EQ(finding.at.line, 2);
    EXPECT_EQ(finding.at.column, 30);
    EXPECT_EQ(finding.path, "process.user.uid");
    return;
  }
  FAIL() << "no finding";
}

TEST(AuditTest, NotifyIsJudgedByItsListener) {
  const auto with = [](const char* listener) {
    return Rules(
        AuditText(std::string(R"({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ERRNO",)") +
                  listener +
                  R"("syscalls": [{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}]}}})"),
        Severity::kNote);
  };
  EXPECT_THAT(with(""), Contains("seccomp.notify-without-listener"));
  EXPECT_THAT(with(R"("listenerPath": "/run/x",)"),
              Not(Contains("seccomp.notify-without-listener")));
  EXPECT_THAT(with(""), Not(Contains("seccomp.mount")));
}

TEST(AuditTest, IoctlComparedIn64BitsIsSeen) {
  const auto with = [](const char* args) {
    return Rules(
        AuditText(
            std::string(R"({"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls":
      [{"names": ["ioctl"], "action": "SCMP_ACT_ERRNO", "args": [)") +
            args + "]}]}}}"),
        Severity::kNote);
  };
  // Refused by a deny list, which one more bit passes by (CVE-2019-10063).
  EXPECT_THAT(with(R"({"index": 1, "value": 21522, "op": "SCMP_CMP_EQ"})"),
              Contains("seccomp.ioctl-unfiltered"));
}

TEST(AuditTest, WordsOfTheSpecCannotSteerATerminal) {
  const auto report = AuditText("{\"\\u001b[2J\xC2\x9B\xE2\x80\xAE\": 1}");
  const std::string text =
      AuditText("{}").findings.empty() ? "" : review::AuditText(report, "x\x1b[1m", true);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("\xC2\x9B"), std::string::npos);
  EXPECT_EQ(text.find("\xE2\x80\xAE"), std::string::npos);
}

TEST(AuditTest, TextFitsInto100Columns) {
  for (const auto& path : Goldens()) {
    std::istringstream lines(review::AuditText(AuditText(ReadText(path)), path, true));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }),
                100)
          << line;
    }
  }
}

TEST(AuditTest, TimeOfOneAudit) {
  const std::string text = ReadText(SourceDir() / "oci-specs/golden/runc-default.json");
  constexpr int kRuns = 50;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRuns; ++i) ASSERT_TRUE(AuditSpec(text, {}).ok());
  const auto took = std::chrono::steady_clock::now() - begin;
  std::printf("audit of %zu bytes: %.0f µs, parsing included\n", text.size(),
              std::chrono::duration<double, std::micro>(took).count() / kRuns);
}

}  // namespace
}  // namespace vortex::review
