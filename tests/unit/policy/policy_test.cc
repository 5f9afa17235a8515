// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "support/status_matchers.h"
#include "unit/policy/policies.h"

namespace vortex::policy {
namespace {

using ::testing::HasSubstr;
using vortex::testing::IsOk;
using vortex::testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

absl::StatusOr<Policy> Parse(const std::string& text) { return ParsePolicy(text, "p.yaml"); }

TEST(PolicyTest, TheLeastPolicyIsTheBuiltInOne) {
  VX_ASSERT_OK_AND_ASSIGN(const Policy policy, Parse("version: 1\n"));
  EXPECT_FALSE(policy.allow_untrusted);
  EXPECT_TRUE(policy.trust.empty() && policy.allow.empty() && policy.deny.empty());
  EXPECT_EQ(policy.file, "p.yaml");
  EXPECT_EQ(policy.digest.size(), 71u);
  EXPECT_EQ(policy.At(0), "built in");
  EXPECT_EQ(policy.At(7), "p.yaml:7");
}

TEST(PolicyTest, EveryFieldIsRead) {
  VX_ASSERT_OK_AND_ASSIGN(const Policy policy, Parse(R"(version: 1
allow_untrusted: true
untrusted:
  runtime_classes: [gvisor, runc]
  limits:
    default: {memory: 64m}
    maximum:
      memory: 128m
      budget: 5s
  watch: {network: false}
trust:
  - {plugin: ours, level: trusted, reason: reviewed, expires: never}
allow:
  - plugin: ours
    digest: "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    reason: because
    expires: 2027-01-31
    capabilities: [CAP_NET_BIND_SERVICE]
    gpus: ["nvidia.com/gpu=0"]
    mounts: [{source: /srv/models, destination: /mnt/models}]
    egress: [{host: "*.example.com", port: 443}]
    address_ranges: [10.1.0.0/16]
deny:
  - {reason: known bad, hosts: [evil.example.com]}
audit: {directory: /var/log/vortex, fsync: always, on_full: fail_open, segment_bytes: 1m, segment_age: 5m}
metrics: {textfile: /run/vortex.prom, plugin_labels: [ours]}
)"));
  EXPECT_EQ(policy.untrusted.maximum_limits.memory_bytes, 128 << 20);
  EXPECT_EQ(policy.untrusted.maximum_lines.at("budget"), 9);
  EXPECT_EQ(policy.untrusted.default_limits.memory_bytes, 64 << 20);
  // Nobody wrote a default for the budget; it follows the maximum.
  EXPECT_EQ(policy.untrusted.default_limits.budget, std::chrono::seconds(5));
  EXPECT_FALSE(policy.untrusted.watch.network);
  EXPECT_TRUE(policy.untrusted.watch.filesystem);
  ASSERT_EQ(policy.trust.size(), 1u);
  EXPECT_EQ(policy.trust[0].line, 12);
  ASSERT_EQ(policy.allow.size(), 1u);
  EXPECT_EQ(policy.allow[0].egress[0].address_ranges, std::vector<std::string>{"10.1.0.0/16"});
  EXPECT_TRUE(policy.allow[0].mounts[0].read_only);
  EXPECT_EQ(policy.audit.fsync, audit::Fsync::kAlways);
  EXPECT_EQ(policy.audit.segment_age, std::chrono::minutes(5));
  EXPECT_EQ(policy.metrics.plugin_labels, std::vector<std::string>{"ours"});
}

// Each wrong in one way; the message begins with its place.
TEST(PolicyTest, EveryErrorNamesLineFieldAndWhatWouldBeRight) {
  const std::string trust =
      "version: 1\ntrust:\n- {plugin: a, level: trusted, reason: x, expires: ";
  const std::string allow =
      "version: 1\nallow_untrusted: true\nuntrusted: {runtime_classes: [runc]}\n"
      "allow:\n- {plugin: a, reason: x, expires: never, ";
  const std::string again = "- {plugin: a, reason: x, expires: never, ";
  const std::pair<std::string, std::string> cases[] = {
      {"{}\n", "p.yaml:1:1: version is missing; write version: 1"},
      {"version: 2\n", "p.yaml:1:10: version: \"2\" is not a version"},
      {"version: 1\nallow_untrusted: yes\n",
       "p.yaml:2:18: allow_untrusted: \"yes\" is not true or"},
      {"version: 1\nallow_untrusted: \"true\"\n", "p.yaml:2:18: allow_untrusted:"},
      {"version: 1\nalow: []\n", "unknown key \"alow\"; did you mean allow?"},
      {"version: 1\nallow_untrusted: true\n", "p.yaml:2: allow_untrusted: needs untrusted.runtime"},
      {"version: 1\nuntrusted: {runtime_classes: []}\n", "untrusted.runtime_classes: is empty"},
      {"version: 1\nuntrusted: {runtime_classes: [docker]}\n", "\"docker\" is not a runtime class"},
      {"version: 1\nuntrusted: {runtime_classes: [runc, runc]}\n", "names runc twice"},
      {"version: 1\ntrusted: {limits: {maximum: {memory: 5g}}}\n",
       "trusted.limits.maximum: memory: 5g is out of range; use 8m to 4g"},
      {"version: 1\ntrusted:\n  limits:\n    default: {memory: 2g}\n    maximum: {memory: 1g}\n",
       "p.yaml:4: trusted.limits.default.memory: 2g is above the maximum of 1g (p.yaml:5)"},
      {trust + "tomorrow}\n", "trust[0].expires: \"tomorrow\" is not a date"},
      {trust + "2026-02-30}\n", "\"2026-02-30\" is not a date"},
      {"version: 1\ntrust:\n- {plugin: a, level: trusted, reason: x}\n",
       "trust[0]: expires is missing"},
      {"version: 1\ntrust:\n- {plugin: a, level: trusted, expires: never}\n", "reason is missing"},
      {"version: 1\ntrust:\n- {plugin: a, level: untrusted, reason: x, expires: never}\n",
       "trust[0].level: \"untrusted\" is not one of trusted"},
      {trust + "never, digest: abc}\n", "trust[0].digest: \"abc\" is not a digest"},
      {trust + "never}\n- {plugin: a, level: trusted, reason: z, expires: 2030-01-01}\n",
       "p.yaml:4: trust: a is trusted by the entry at p.yaml:3 already"},
      {trust + "never}\ndeny:\n- {plugin: a, reason: x}\n",
       "p.yaml:3: trust: a is denied at p.yaml:5, which nothing overrides"},
      {"version: 1\nallow:\n- {plugin: a, reason: x, expires: never, capabilities: [CAP_CHOWN]}\n",
       "p.yaml:3: allow: a never runs: no trust entry names it, and allow_untrusted is false"},
      {allow + "}\n", "p.yaml:5: allow: grants nothing"},
      {allow + "capabilities: [CAP_SYS_ADMIN]}\n", "CAP_SYS_ADMIN would be void"},
      {allow + "capabilities: [CHOWN]}\n", "\"CHOWN\" is not a Linux capability"},
      {allow + "capabilities: [CAP_CHOWN]}\n" + again + "capabilities: [CAP_CHOWN]}\n",
       "p.yaml:6: allow: CAP_CHOWN is given to a by the entry at p.yaml:5 already"},
      {allow + "capabilities: [CAP_CHOWN, CAP_CHOWN]}\n", "CAP_CHOWN is given twice in this entry"},
      {allow + "egress: [{host: 10.0.0.1, port: 443}]}\n", "\"10.0.0.1\" is not a host name"},
      {allow + "egress: [{host: 0x7f.1, port: 443}]}\n", "is not a host name"},
      {allow + "egress: [{host: localhost, port: 443}]}\n", "is not a host name"},
      {allow + "egress: [{host: \"*\", port: 443}]}\n", "is not a host name"},
      {allow + "egress: [{host: a.example.com}]}\n", "needs both host and port"},
      {allow + "egress: [{host: \"*.example.com\", port: 1}, {host: a.example.com, port: 1}]}\n",
       "a.example.com:1 is given twice"},
      {allow + "address_ranges: [10.0.0.0/8], capabilities: [CAP_CHOWN]}\n",
       "address_ranges without egress"},
      {allow + "egress: [{host: a.example.com, port: 1}], address_ranges: [0.0.0.0/0]}\n",
       "fixes 0 bits"},
      {allow + "egress: [{host: a.example.com, port: 1}], address_ranges: [10.1.0.0/8]}\n",
       "has bits set beyond its first 8"},
      {allow + "egress: [{host: a.example.com, port: 1}], address_ranges: [10.1.2]}\n",
       "is not an address range"},
      {allow + "egress: [{host: a.example.com, port: 1}]}\ndeny:\n- {hosts: [\"*.example.com\"], "
               "reason: x}\n",
       "p.yaml:5: allow: a.example.com:1 is denied at p.yaml:7"},
      {allow + "mounts: [{source: /proc, destination: /mnt/x}]}\n", "would show /proc of the node"},
      {allow + "mounts: [{source: /srv, destination: /usr/x}]}\n", "is not below /mnt"},
      {allow + "mounts: [{source: srv, destination: /mnt/x}]}\n",
       "\"srv\" is not an absolute path"},
      {allow + "mounts: [{source: /srv/a, destination: /mnt/x}]}\n" + again +
           "mounts: [{source: /srv/b, destination: /mnt/x}]}\n",
       "p.yaml:6: allow: the mount at /mnt/x is given to a by the entry at p.yaml:5"},
      {allow + "limits: {memory: 5g}}\n", "limits: memory: 5g is out of range"},
      {allow + "limits: {memory: 1g}}\n",
       "limits.memory: 1g changes nothing, the maximum is 4g already"},
      {"version: 1\ndeny:\n- {reason: x}\n", "deny[0]: denies nothing"},
      {"version: 1\ndeny:\n- {plugin: a, reason: x, hosts: []}\n", "deny[0].hosts: is empty"},
      {"version: 1\ndeny:\n- {plugin: a}\n", "deny[0]: reason is missing"},
      {"version: 1\ndeny:\n- {plugin: a, reason: x, expires: never}\n", "unknown key \"expires\""},
      {"version: 1\ndeny:\n- {plugin: a, reason: x}\n- {plugin: a, reason: z}\n",
       "p.yaml:4: deny: the entry at p.yaml:3 says the same"},
      {"version: 1\ntrusted: {runtime_classes: [runc]}\ndeny:\n- {runtime_classes: [runc], reason: "
       "x}\n",
       "p.yaml:2: trusted.runtime_classes: runc is denied at p.yaml:4"},
      {"version: 1\naudit: {fsync: sometimes}\n", "is not one of always, interval, never"},
      {"version: 1\naudit: {segment_bytes: 1k}\n", "is out of range; use 64k to 1g"},
      {"version: 1\naudit: {directory: log}\n", "is not an absolute path"},
      {"version: 1\nmetrics: {plugin_labels: [a, a]}\n", "a stands twice"},
      {"version: 1\ntrust: &a []\n", "anchors and aliases are not allowed"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_THAT(Parse(text), StatusIs(kInvalid, HasSubstr(message))) << text;
}

TEST(PolicyTest, ACheckTellsEverythingAtOnce) {
  const PolicyCheck check = CheckPolicy(
      "version: 1\nallow_untrusted: maybe\ntrust:\n- {plugin: A, reason: x}\n", "p.yaml", {});
  EXPECT_FALSE(check.policy);
  std::vector<int> lines;
  for (const Problem& problem : check.errors) lines.push_back(problem.line);
  EXPECT_EQ(lines, (std::vector<int>{2, 4, 4, 4}));
  EXPECT_THAT(Parse("version: 1\nallow_untrusted: maybe\ntrust: 1\n"),
              StatusIs(kInvalid, HasSubstr("(and 1 more)")));
}

TEST(PolicyTest, WarningsSayWhatDeservesALook) {
  const PolicyCheck check = CheckPolicy(R"(version: 1
allow_untrusted: true
untrusted: {runtime_classes: [runc]}
trust:
- {plugin: a, level: trusted, reason: x, expires: 2026-01-01}
- {plugin: b, level: trusted, reason: x, expires: 2026-12-01}
allow:
- {plugin: a, reason: x, expires: never, egress: [{host: "*.example.com", port: 443}]}
)",
                                        "p.yaml", Ready().today);
  ASSERT_TRUE(check.policy) << check.errors[0].message;
  std::string all;
  for (const Problem& problem : check.warnings) all += problem.message + "\n";
  EXPECT_THAT(all, HasSubstr("p.yaml:3: untrusted.runtime_classes: under runc"));
  EXPECT_THAT(all, HasSubstr("p.yaml:5: trust: expired on 2026-01-01"));
  EXPECT_THAT(all, HasSubstr("p.yaml:5: trust: names no digest"));
  EXPECT_THAT(all, HasSubstr("p.yaml:6: trust: expires on 2026-12-01, in 7 days"));
  EXPECT_THAT(all, HasSubstr("p.yaml:8: allow: *.example.com lets data out"));
}

// What is shipped as an example is valid.
TEST(PolicyTest, TheExamplesAreValid) {
  for (const char* name : {"development.yaml", "policy.yaml"}) {
    std::ifstream file(std::string(std::getenv("VORTEX_SOURCE_DIR")) + "/deploy/policy/" + name);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_THAT(ParsePolicy(text.str(), name), IsOk());
  }
}

}  // namespace
}  // namespace vortex::policy
