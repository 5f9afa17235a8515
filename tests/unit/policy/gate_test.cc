// SPDX-License-Identifier: Apache-2.0
#include "policy/gate.h"

#include <gmock/gmock.h>

#include "support/status_matchers.h"
#include "unit/policy/policies.h"

namespace vortex::policy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using vortex::testing::IsOk;
using vortex::testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kDenied = absl::StatusCode::kPermissionDenied;

Decision Ask(const Manifest& manifest, const RunRequest& request = {}) {
  return Gate(manifest, request, Open(), Ready());
}

absl::StatusOr<Grant> Gate(const Manifest& manifest, const RunRequest& request) {
  return Ask(manifest, request).grant;
}

TEST(GateTest, DefaultsForAPluginThatAsksForNothing) {
  VX_ASSERT_OK_AND_ASSIGN(const Grant grant, Gate(Plugin(), {}));
  EXPECT_EQ(grant.plugin_id, "word-count");
  EXPECT_EQ(grant.plugin_version, "1.0.0");
  EXPECT_EQ(grant.limits.memory_bytes, 256 << 20);
  EXPECT_EQ(grant.limits.millicpus, 1000);
  EXPECT_EQ(grant.limits.pids, 64);
  EXPECT_EQ(grant.limits.budget, std::chrono::seconds(10));
  EXPECT_EQ(grant.limits.tmp_bytes, 64 << 20);
  EXPECT_EQ(grant.limits.output_bytes, 1 << 20);
  EXPECT_EQ(grant.limits.nofile, 256);
  EXPECT_FALSE(grant.requested.memory_bytes);
  EXPECT_EQ(Find(Ask(Plugin()), "limits.memory.default"),
            "256m <- default 256m; at most 4g (built in) @ built in");
}

TEST(GateTest, EveryDecisionNamesItsRule) {
  std::vector<std::string> rules;
  for (const RuleDecision& decision : Ask(Plugin()).rules) rules.push_back(decision.rule);
  EXPECT_THAT(rules, ::testing::ElementsAre(
                         "trust.default", "untrusted.allowed", "runtime_class.default",
                         "network.default", "capabilities.default", "gpus.default",
                         "mounts.default", "limits.memory.default", "limits.cpus.default",
                         "limits.pids.default", "limits.tmp.default", "limits.output.default",
                         "limits.budget.default", "watch.network", "watch.filesystem"));
}

TEST(GateTest, AManifestMayGoUpToTheMaximumAndNotOver) {
  Manifest manifest = Plugin();
  manifest.limits.memory_bytes = std::int64_t{4} << 30;
  manifest.limits.budget = std::chrono::hours(1);
  VX_ASSERT_OK_AND_ASSIGN(const Grant grant, Gate(manifest, {}));
  EXPECT_EQ(grant.limits.memory_bytes, std::int64_t{4} << 30);
  EXPECT_EQ(grant.limits.budget, std::chrono::hours(1));
  EXPECT_EQ(grant.requested.memory_bytes, std::int64_t{4} << 30);
  EXPECT_EQ(Find(Ask(manifest), "limits.memory.manifest"),
            "4g <- default 256m, manifest 4g; at most 4g (built in) @ built in");

  *manifest.limits.memory_bytes += 1;
  EXPECT_THAT(Gate(manifest, {}), StatusIs(kInvalid,
                                           "[limits.memory.manifest] 4294967297 is out of "
                                           "range; use 8m to 4g"));
  manifest.limits = {};
  manifest.limits.budget = std::chrono::milliseconds(3'600'001);
  EXPECT_THAT(Gate(manifest, {}), StatusIs(kInvalid,
                                           "[limits.budget.manifest] 3600001ms is out of "
                                           "range; use 1ms to 1h"));
}

TEST(GateTest, ARequestNarrowsTheManifest) {
  Manifest manifest = Plugin();
  manifest.limits.memory_bytes = 512 << 20;
  RunRequest request;
  request.limits.memory_bytes = 64 << 20;
  request.limits.millicpus = 200;
  VX_ASSERT_OK_AND_ASSIGN(const Grant grant, Gate(manifest, request));
  EXPECT_EQ(grant.limits.memory_bytes, 64 << 20);
  EXPECT_EQ(grant.limits.millicpus, 200);
  EXPECT_EQ(grant.requested.memory_bytes, 64 << 20);
  const Decision decision = Ask(manifest, request);
  EXPECT_EQ(Find(decision, "limits.memory.request"),
            "64m <- default 256m, manifest 512m, request 64m; at most 4g (built in) @ built in");
  EXPECT_EQ(Find(decision, "limits.cpus.request"),
            "0.2 <- default 1, request 0.2; at most 8 (built in) @ built in");
}

TEST(GateTest, ARequestThatWidensIsRefusedByName) {
  RunRequest request;
  request.limits.memory_bytes = 512 << 20;
  EXPECT_THAT(
      Gate(Plugin(), request),
      StatusIs(kInvalid,
               "[limits.memory.request] 512m is above the granted 256m of the default; a "
               "request may only narrow it, raise limits.memory in the manifest (at most 4g)"));
  Manifest manifest = Plugin();
  manifest.limits.memory_bytes = 64 << 20;
  request.limits.memory_bytes = 65 << 20;
  EXPECT_THAT(Gate(manifest, request),
              StatusIs(kInvalid, HasSubstr("65m is above the granted 64m of "
                                           "the manifest")));
  request.limits.memory_bytes = 64 << 20;
  EXPECT_THAT(Gate(manifest, request), IsOk());
}

// Each limit, from either side, below its least and above its most.
TEST(GateTest, ZeroAndAbsurdLimitsAreRefusedByName) {
  struct Case {
    const char* name;
    void (*set)(LimitRequest&, std::int64_t);
    std::int64_t least, most;
  };
  const Case cases[] = {
      {"memory", [](LimitRequest& l, std::int64_t v) { l.memory_bytes = v; }, 8 << 20,
       std::int64_t{4} << 30},
      {"cpus", [](LimitRequest& l, std::int64_t v) { l.millicpus = v; }, 10, 8000},
      {"pids", [](LimitRequest& l, std::int64_t v) { l.pids = v; }, 4, 4096},
      {"budget", [](LimitRequest& l, std::int64_t v) { l.budget = std::chrono::milliseconds(v); },
       1, 3'600'000},
      {"tmp", [](LimitRequest& l, std::int64_t v) { l.tmp_bytes = v; }, 4096, 1 << 30},
      {"output", [](LimitRequest& l, std::int64_t v) { l.output_bytes = v; }, 1, 64 << 20}};
  for (const Case& c : cases) {
    for (const std::int64_t value : {std::int64_t{-1}, std::int64_t{0}, c.least - 1, c.most + 1,
                                     std::numeric_limits<std::int64_t>::max()}) {
      Manifest manifest = Plugin();
      c.set(manifest.limits, value);
      EXPECT_THAT(
          Gate(manifest, {}),
          StatusIs(kInvalid, AllOf(StartsWith("[limits." + std::string(c.name) + ".manifest] "),
                                   HasSubstr("is out of range"))));
      RunRequest request;
      c.set(request.limits, value);
      EXPECT_THAT(
          Gate(Plugin(), request),
          StatusIs(kInvalid, AllOf(StartsWith("[limits." + std::string(c.name) + ".request] "),
                                   HasSubstr("is out of range"))));
    }
    for (const std::int64_t value : {c.least, c.most}) {
      Manifest manifest = Plugin();
      c.set(manifest.limits, value);
      EXPECT_THAT(Gate(manifest, {}), IsOk()) << c.name << " " << value;
    }
  }
}

TEST(GateTest, PrivilegesNeedAnOperator) {
  Manifest manifest = Plugin();
  manifest.network.push_back({"api.example.com", 443});
  EXPECT_THAT(Gate(manifest, {}),
              StatusIs(kDenied,
                       "[network.not-allowlisted] plugin word-count asks for network access to "
                       "api.example.com:443 in network of its manifest, which needs an operator's "
                       "allow entry; one in policy.yaml with plugin: word-count and egress: "
                       "[{host: \"api.example.com\", port: 443}] would allow it"));
  manifest = Plugin();
  manifest.capabilities = {"CAP_NET_RAW"};
  EXPECT_THAT(Gate(manifest, {}),
              StatusIs(kDenied, AllOf(StartsWith("[capabilities.not-allowlisted] "),
                                      HasSubstr("CAP_NET_RAW"))));
  manifest = Plugin();
  manifest.gpus = {"nvidia.com/gpu=0"};
  EXPECT_THAT(Gate(manifest, {}), StatusIs(kDenied, AllOf(StartsWith("[gpus.not-allowlisted] "),
                                                          HasSubstr("nvidia.com/gpu=0"))));
}

TEST(GateTest, BuiltInLimitsAreOrdered) {
  const auto ordered = [](auto LimitSet::*field) {
    return MinimumLimits().*field <= DefaultLimits().*field &&
           DefaultLimits().*field <= MaximumLimits().*field;
  };
  EXPECT_TRUE(ordered(&LimitSet::memory_bytes));
  EXPECT_TRUE(ordered(&LimitSet::millicpus));
  EXPECT_TRUE(ordered(&LimitSet::pids));
  EXPECT_TRUE(ordered(&LimitSet::budget));
  EXPECT_TRUE(ordered(&LimitSet::tmp_bytes));
  EXPECT_TRUE(ordered(&LimitSet::output_bytes));
}

}  // namespace
}  // namespace vortex::policy
