// SPDX-License-Identifier: Apache-2.0
// Each rule of the gate that a policy can bring about.
#include <gmock/gmock.h>

#include "base/status.h"
#include "policy/gate.h"
#include "support/status_matchers.h"
#include "unit/policy/policies.h"

namespace vortex::policy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using vortex::testing::IsOk;
using vortex::testing::StatusIs;
constexpr auto kDenied = absl::StatusCode::kPermissionDenied;
constexpr auto kNotHere = absl::StatusCode::kFailedPrecondition;

// The policy of this text, which must be valid; lines are counted from 1.
Policy P(const std::string& text) {
  const auto policy = ParsePolicy(text, "p.yaml");
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? *policy : BuiltInPolicy();
}

// Untrusted plugins run under every class; `more` starts at line 4.
Policy OpenWith(const std::string& more) {
  return P("version: 1\nallow_untrusted: true\nuntrusted: {runtime_classes: [runc, gvisor]}\n" +
           more);
}

const std::string kEntry = "allow:\n- {plugin: word-count, reason: needed, expires: never, ";

std::string Outcome(const Decision& decision, const std::string& rule) {
  return Find(decision, rule);
}

TEST(GatePolicyTest, WithoutAFileUntrustedPluginsAreRefused) {
  const Decision decision = Gate(Plugin(), {}, BuiltInPolicy(), Ready());
  EXPECT_THAT(decision.grant,
              StatusIs(kDenied,
                       "[untrusted.refused] plugin word-count is not trusted, and untrusted "
                       "plugins are refused (as built in); allow_untrusted: true in a policy "
                       "file, or a trust entry there for word-count with digest " +
                           kDigestA + ", would allow it"));
  EXPECT_THAT(Outcome(decision, "untrusted.refused"), StartsWith("refused <- plugin word-count"));
  // What would have come after is told, too.
  EXPECT_THAT(Outcome(decision, "limits.memory.default"), StartsWith("256m"));
}

TEST(GatePolicyTest, TrustIsByIdAndDigest) {
  const std::string trust =
      "version: 1\ntrust:\n- {plugin: word-count, level: trusted, reason: ours, ";
  const Policy by_id = P(trust + "expires: never}\n");
  VX_ASSERT_OK_AND_ASSIGN(const Grant grant, Gate(Plugin(), {}, by_id, Ready()).grant);
  EXPECT_TRUE(grant.trusted);
  EXPECT_EQ(Outcome(Gate(Plugin(), {}, by_id, Ready()), "trust.entry"),
            "trusted <- ours @ p.yaml:3");

  const Policy by_digest = P(trust + "expires: never, digest: \"" + kDigestA + "\"}\n");
  EXPECT_THAT(Gate(Plugin(), {}, by_digest, Ready()).grant, IsOk());
  NodeFacts other = Ready();
  other.bundle_digest = kDigestB;
  EXPECT_THAT(
      Gate(Plugin(), {}, by_digest, other).grant,
      StatusIs(kDenied, AllOf(StartsWith("[untrusted.refused]"),
                              HasSubstr("its trust entry at p.yaml:3 does not apply: the entry "
                                        "is for bundle " +
                                        kDigestA))));
  other.bundle_digest.clear();
  EXPECT_THAT(Gate(Plugin(), {}, by_digest, other).grant,
              StatusIs(kDenied, HasSubstr("not known")));
  Manifest stranger = Plugin();
  stranger.id = "other";
  EXPECT_THAT(Gate(stranger, {}, by_id, Ready()).grant, StatusIs(kDenied, HasSubstr("other")));
}

TEST(GatePolicyTest, TrustExpires) {
  const Policy policy =
      P("version: 1\ntrust:\n- {plugin: word-count, level: trusted, reason: ours, expires: "
        "2026-11-25}\n");
  EXPECT_THAT(Gate(Plugin(), {}, policy, Ready()).grant, IsOk());
  NodeFacts later = Ready();
  later.today += std::chrono::days(1);
  EXPECT_THAT(Gate(Plugin(), {}, policy, later).grant,
              StatusIs(kDenied, HasSubstr("p.yaml:3 does not apply: expired on 2026-11-25")));
  // Who forgets the date gets nothing that has one.
  later.today = NodeFacts().today;
  EXPECT_THAT(Gate(Plugin(), {}, policy, later).grant, StatusIs(kDenied, HasSubstr("expired")));
}

TEST(GatePolicyTest, ADenialIsNotOverriddenByTrust) {
  // The parser refuses such a file; the gate does not rely on it.
  Policy policy = Open();
  TrustEntry trust;
  trust.plugin = "word-count";
  policy.trust = {trust};
  DenyEntry deny;
  deny.line = 9;
  deny.plugin = "word-count";
  deny.reason = "stolen";
  policy.deny = {deny};
  EXPECT_THAT(Gate(Plugin(), {}, policy, Ready()).grant,
              StatusIs(kDenied,
                       "[deny.plugin] plugin word-count is denied by the operator "
                       "(policy.yaml:9: stolen), which no other entry overrides"));
  policy.deny[0].plugin.clear();
  policy.deny[0].digest = kDigestA;
  EXPECT_THAT(Gate(Plugin(), {}, policy, Ready()).grant,
              StatusIs(kDenied, StartsWith("[deny.digest]")));
  policy.deny[0].digest = kDigestB;
  EXPECT_THAT(Gate(Plugin(), {}, policy, Ready()).grant, IsOk());
  // A digest that is not known may be the denied one.
  NodeFacts facts = Ready();
  facts.bundle_digest.clear();
  EXPECT_THAT(Gate(Plugin(), {}, policy, facts).grant,
              StatusIs(kDenied, StartsWith("[deny.digest]")));
}

TEST(GatePolicyTest, ClassesAreThoseOfTheLevel) {
  const Policy policy =
      P("version: 1\nallow_untrusted: true\nuntrusted: {runtime_classes: [kata, gvisor]}\n");
  RunRequest request;
  request.runtime_class = oci::RuntimeClass::kRunc;
  EXPECT_THAT(Gate(Plugin(), request, policy, Ready()).grant,
              StatusIs(kDenied,
                       "[runtime_class.not-allowed] untrusted plugins may not run under runtime "
                       "class runc; allowed are: kata, gvisor (p.yaml:3); runc in "
                       "untrusted.runtime_classes of p.yaml would allow it"));
  request.runtime_class = oci::RuntimeClass::kGvisor;
  EXPECT_EQ(Outcome(Gate(Plugin(), request, policy, Ready()), "runtime_class.request"),
            "gvisor <- allowed to untrusted plugins are: kata, gvisor @ p.yaml:3");
  // Without a wish, and with a default that is not allowed: the first that is ready.
  NodeFacts facts = Ready();
  EXPECT_EQ(Gate(Plugin(), {}, policy, facts).grant->runtime_class, oci::RuntimeClass::kKata);
  for (ClassFact& fact : facts.classes) {
    if (fact.runtime_class == oci::RuntimeClass::kKata)
      fact.problem = "runtime class kata: missing";
  }
  const Decision decision = Gate(Plugin(), {}, policy, facts);
  EXPECT_EQ(decision.grant->runtime_class, oci::RuntimeClass::kGvisor);
  EXPECT_THAT(Outcome(decision, "runtime_class.policy"),
              HasSubstr("the node's default runc is not"));
}

TEST(GatePolicyTest, AClassThatIsNotReadyRunsNothing) {
  const Policy policy = OpenWith("");
  NodeFacts facts = Ready();
  facts.classes = {{oci::RuntimeClass::kRunc, "runtime class runc: not installed"}};
  // Never another one in its place.
  EXPECT_THAT(Gate(Plugin(), {}, policy, facts).grant,
              StatusIs(kNotHere, "[runtime_class.not-ready] runtime class runc: not installed"));
  EXPECT_THAT(
      CheckUntrustedHasSandbox(policy, facts),
      StatusIs(kNotHere, AllOf(StartsWith("[untrusted.no-sandbox] p.yaml:2 allows untrusted"),
                               HasSubstr("runc: not installed"), HasSubstr("gvisor: not known"))));
  EXPECT_THAT(CheckUntrustedHasSandbox(policy, Ready()), IsOk());
  EXPECT_THAT(CheckUntrustedHasSandbox(BuiltInPolicy(), facts), IsOk());
}

TEST(GatePolicyTest, ADeniedClassIsRefused) {
  Policy policy = Open();
  DenyEntry deny;
  deny.line = 7;
  deny.reason = "escape of last week";
  deny.runtime_classes = {oci::RuntimeClass::kRunc};
  policy.deny = {deny};
  RunRequest request;
  request.runtime_class = oci::RuntimeClass::kRunc;
  EXPECT_THAT(Gate(Plugin(), request, policy, Ready()).grant,
              StatusIs(kDenied,
                       "[deny.runtime_class] runtime class runc is denied by the operator "
                       "(policy.yaml:7: escape of last week)"));
  EXPECT_NE(Gate(Plugin(), {}, policy, Ready()).grant->runtime_class, oci::RuntimeClass::kRunc);
}

TEST(GatePolicyTest, MaximaAreThoseOfTheLevelUnlessAnEntryRaisesThem) {
  const std::string tier =
      "version: 1\nallow_untrusted: true\nuntrusted:\n  runtime_classes: [runc]\n"
      "  limits:\n    default: {memory: 32m}\n    maximum: {memory: 64m}\n";
  Manifest manifest = Plugin();
  EXPECT_EQ(Outcome(Gate(manifest, {}, P(tier), Ready()), "limits.memory.default"),
            "32m <- default 32m; at most 64m (p.yaml:7) @ p.yaml:6");
  manifest.limits.memory_bytes = 128 << 20;
  EXPECT_THAT(Gate(manifest, {}, P(tier), Ready()).grant,
              StatusIs(kDenied,
                       "[limits.memory.maximum] plugin word-count asks for 128m in limits.memory "
                       "of its manifest; untrusted plugins get at most 64m (p.yaml:7); an allow "
                       "entry for it in p.yaml with limits: {memory: 128m} would allow it"));
  // The caller may narrow it into the bounds.
  RunRequest request;
  request.limits.memory_bytes = 48 << 20;
  EXPECT_EQ(Gate(manifest, request, P(tier), Ready()).grant->limits.memory_bytes, 48 << 20);
  const Policy raised = P(tier + kEntry + "limits: {memory: 128m}}\n");
  EXPECT_EQ(Outcome(Gate(manifest, {}, raised, Ready()), "limits.memory.manifest"),
            "128m <- default 32m, manifest 128m; at most 128m (p.yaml:9) @ p.yaml:9");
  manifest.limits.memory_bytes = 129 << 20;
  EXPECT_THAT(Gate(manifest, {}, raised, Ready()).grant,
              StatusIs(kDenied, HasSubstr("at most 128m")));
}

TEST(GatePolicyTest, EgressIsWhatTheManifestAsksAndAnEntryGives) {
  const Policy policy =
      OpenWith(kEntry +
               "egress: [{host: \"*.example.com\", port: 443}], address_ranges: [10.0.0.0/8]}\n"
               "deny:\n- {hosts: [evil.example.com], reason: known}\n");
  Manifest manifest = Plugin();
  // What is not asked for is not given.
  EXPECT_TRUE(Gate(manifest, {}, policy, Ready()).grant->network.empty());
  manifest.network = {{"api.example.com", 443}};
  VX_ASSERT_OK_AND_ASSIGN(const Grant grant, Gate(manifest, {}, policy, Ready()).grant);
  ASSERT_EQ(grant.network.size(), 1u);
  EXPECT_EQ(grant.network[0].host, "api.example.com");
  EXPECT_EQ(grant.network[0].address_ranges, std::vector<std::string>{"10.0.0.0/8"});
  EXPECT_EQ(grant.denied_hosts, std::vector<std::string>{"evil.example.com"});
  EXPECT_EQ(Outcome(Gate(manifest, {}, policy, Ready()), "network.entry"),
            "api.example.com:443 <- needed @ p.yaml:5");
  for (const auto& [host, port, rule] : std::vector<std::tuple<std::string, int, std::string>>{
           {"api.example.com", 80, "[network.not-allowlisted]"},
           {"example.com", 443, "[network.not-allowlisted]"},
           {"notexample.com", 443, "[network.not-allowlisted]"},
           {"*.com", 443, "[network.not-allowlisted]"},
           {"evil.example.com", 443, "[deny.host]"}}) {
    manifest.network = {{"api.example.com", 443}, {host, port}};
    EXPECT_THAT(Gate(manifest, {}, policy, Ready()).grant, StatusIs(kDenied, StartsWith(rule)))
        << host;
  }
}

TEST(GatePolicyTest, CapabilitiesAndDevicesAreGivenByName) {
  const Policy policy =
      OpenWith(kEntry + "capabilities: [CAP_CHOWN], gpus: [\"nvidia.com/gpu=0\"]}\n");
  Manifest manifest = Plugin();
  manifest.capabilities = {"CAP_CHOWN"};
  manifest.gpus = {"nvidia.com/gpu=0"};
  VX_ASSERT_OK_AND_ASSIGN(const Grant grant, Gate(manifest, {}, policy, Ready()).grant);
  EXPECT_EQ(grant.capabilities, manifest.capabilities);
  EXPECT_EQ(grant.gpus, manifest.gpus);
  manifest.gpus = {"nvidia.com/gpu=1"};
  EXPECT_THAT(Gate(manifest, {}, policy, Ready()).grant,
              StatusIs(kDenied, StartsWith("[gpus.not-allowlisted]")));
  // gVisor would lose it in silence.
  RunRequest request;
  request.runtime_class = oci::RuntimeClass::kGvisor;
  manifest.gpus.clear();
  EXPECT_THAT(Gate(manifest, request, policy, Ready()).grant,
              StatusIs(kNotHere,
                       AllOf(StartsWith("[runtime_class.cannot-honour]"), HasSubstr("CAP_CHOWN"))));
  Policy denied = policy;
  DenyEntry deny;
  deny.line = 1;
  deny.capabilities = {"CAP_CHOWN"};
  deny.gpus = {"nvidia.com/gpu=0"};
  denied.deny = {deny};
  EXPECT_THAT(Gate(manifest, {}, denied, Ready()).grant,
              StatusIs(kDenied, StartsWith("[deny.capability]")));
  manifest.capabilities.clear();
  manifest.gpus = {"nvidia.com/gpu=0"};
  EXPECT_THAT(Gate(manifest, {}, denied, Ready()).grant,
              StatusIs(kDenied, StartsWith("[deny.gpu]")));
}

TEST(GatePolicyTest, EntriesExpireAndAreForTheirBundle) {
  Manifest manifest = Plugin();
  manifest.capabilities = {"CAP_CHOWN"};
  const std::string entry =
      "allow:\n- {plugin: word-count, reason: needed, capabilities: [CAP_CHOWN], ";
  EXPECT_THAT(Gate(manifest, {}, OpenWith(entry + "expires: 2026-11-24}\n"), Ready()).grant,
              StatusIs(kDenied, AllOf(StartsWith("[capabilities.expired]"),
                                      HasSubstr("p.yaml:5 gave it and expired on 2026-11-24"))));
  EXPECT_THAT(
      Gate(manifest, {}, OpenWith(entry + "expires: never, digest: \"" + kDigestB + "\"}\n"),
           Ready())
          .grant,
      StatusIs(kDenied, AllOf(StartsWith("[capabilities.other-digest]"), HasSubstr(kDigestB))));
}

TEST(GatePolicyTest, MountsAreTheOperatorsAlone) {
  const Policy policy =
      OpenWith(kEntry + "mounts: [{source: /srv/models, destination: /mnt/models}]}\n");
  const Decision decision = Gate(Plugin(), {}, policy, Ready());
  ASSERT_EQ(decision.grant->mounts.size(), 1u);
  EXPECT_TRUE(decision.grant->mounts[0].read_only);
  EXPECT_EQ(Outcome(decision, "mounts.entry"),
            "/srv/models at /mnt/models, read-only <- needed @ p.yaml:5");
}

TEST(GatePolicyTest, WatchingIsOfTheLevel) {
  const Policy policy =
      P("version: 1\nallow_untrusted: true\n"
        "untrusted: {runtime_classes: [runc], watch: {filesystem: false}}\n");
  const Decision decision = Gate(Plugin(), {}, policy, Ready());
  EXPECT_TRUE(decision.grant->watch.network);
  EXPECT_FALSE(decision.grant->watch.filesystem);
  EXPECT_EQ(Outcome(decision, "watch.filesystem"), "off <- of untrusted plugins @ p.yaml:3");
}

}  // namespace
}  // namespace vortex::policy
