// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <gmock/gmock.h>

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
    mounts: [{source: /srv/models, destination: /models}]
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
  EXPECT_EQ(policy.audit.fsync, AuditPolicy::Fsync::kAlways);
  EXPECT_EQ(policy.audit.segment_age, std::chrono::minutes(5));
  EXPECT_EQ(policy.metrics.plugin_labels, std::vector<std::string>{"ours"});
}

}  // namespace
}  // namespace vortex::policy
