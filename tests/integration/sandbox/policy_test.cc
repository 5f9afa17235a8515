// SPDX-License-Identifier: Apache-2.0
// The operator's policy from the file to the run: who runs, what a trusted plugin gets, and that
// nothing runs without a sandbox.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "integration/sandbox/sandbox_fixture.h"
#include "integration/sandbox/vortexctl.h"

namespace vortex::testing {
namespace {

using nlohmann::json;
using sandbox::Cause;

class PolicyRuns : public SandboxTest {
 protected:
  // The node's options under this policy, which is also in a file.
  sandbox::EmbeddedOptions Under(const std::string& text) {
    sandbox::EmbeddedOptions out = options();
    const std::string file = containerd().dir() + "/other-policy.yaml";
    EXPECT_TRUE(base::WriteFileAtomic(file, text, 0644).ok());
    const auto policy = policy::ParsePolicy(text, file);
    EXPECT_TRUE(policy.ok()) << policy.status();
    if (policy.ok()) out.policy = *policy;
    return out;
  }

  sandbox::SandboxResult RunUnder(const sandbox::EmbeddedOptions& node, const std::string& plugin,
                                  const json& payload = nullptr) {
    auto runner = sandbox::CreateEmbeddedRunner(node);
    EXPECT_TRUE(runner.ok()) << runner.status();
    if (!runner.ok()) return {};
    auto result = (*runner)->Run({.plugin = Plugin(plugin), .payload = payload.dump()});
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : sandbox::SandboxResult();
  }
};

bool Refused(const sandbox::SandboxResult& result, const std::string& rule) {
  return std::any_of(result.rules.begin(), result.rules.end(), [&](const auto& item) {
    return item.rule == rule && item.outcome == "refused";
  });
}

TEST_F(PolicyRuns, WithoutAPolicyAnUntrustedPluginIsRefusedWithItsRules) {
  sandbox::EmbeddedOptions node = options();
  node.policy = policy::BuiltInPolicy();
  const auto result = RunUnder(node, "echo");
  EXPECT_EQ(result.termination.cause, Cause::kPolicyDenied);
  EXPECT_TRUE(Refused(result, "untrusted.refused")) << Describe(result);
  EXPECT_EQ(result.policy_digest, "");
  // What comes after the first refusal is told, too.
  EXPECT_EQ(result.rules.back().rule, "watch.filesystem");
}

TEST_F(PolicyRuns, ATrustedPluginRunsAndGetsWhatItsEntryGives) {
  const std::string shared = containerd().dir() + "/shared";
  ASSERT_TRUE(base::MakeDirs(shared, 0755).ok());
  ASSERT_TRUE(base::WriteFileAtomic(shared + "/model", "x", 0644).ok());
  const sandbox::EmbeddedOptions node = Under(
      "version: 1\ntrust:\n- {plugin: fs-probe, level: trusted, reason: ours, expires: never}\n"
      "allow:\n- plugin: fs-probe\n  reason: reads models\n  expires: never\n"
      "  mounts: [{source: " +
      shared + ", destination: /mnt/models}]\n");
  const auto result =
      RunUnder(node, "fs-probe",
               {{"read", {"/mnt/models/model", "/etc/passwd"}}, {"write", {"/mnt/models/new"}}});
  ASSERT_EQ(result.termination.cause, Cause::kOk) << Describe(result);
  const json seen = json::parse(result.output);
  EXPECT_EQ(seen["read"]["/mnt/models/model"], "ok");
  EXPECT_EQ(seen["read"]["/etc/passwd"], "ENOENT");
  EXPECT_EQ(seen["write"]["/mnt/models/new"], "EROFS");
  EXPECT_EQ(result.policy_digest, node.policy.digest);
  // Its level has no other.
  EXPECT_EQ(RunUnder(node, "echo").termination.cause, Cause::kPolicyDenied);
}

TEST_F(PolicyRuns, TheOperatorsAuditLogIsWrittenWhateverTheProgramAskedFor) {
  const std::string log = containerd().dir() + "/operators-log";
  sandbox::EmbeddedOptions node = Under(
      "version: 1\ntrust:\n- {plugin: echo, level: trusted, reason: ours, expires: never}\n"
      "audit: {directory: " +
      log + "}\n");
  node.audit.directory.clear();
  const auto result = RunUnder(node, "echo");
  EXPECT_EQ(result.termination.cause, Cause::kOk) << Describe(result);
  ASSERT_TRUE(result.audit.has_value());
  EXPECT_EQ(result.audit->records_lost, 0u) << result.audit->error;
  EXPECT_EQ(::access((log + "/head.json").c_str(), F_OK), 0) << log;
}

TEST_F(PolicyRuns, UntrustedCodeNeverRunsWithoutASandbox) {
  const std::string text =
      "version: 1\nallow_untrusted: true\nuntrusted: {runtime_classes: [kata]}\n"
      "trust:\n- {plugin: sleeper, level: trusted, reason: ours, expires: never}\n";
  const auto runner = sandbox::CreateEmbeddedRunner(Under(text));
  ASSERT_FALSE(runner.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(runner.status()));
  EXPECT_NE(runner.status().message().find("[untrusted.no-sandbox]"), absl::string_view::npos);
  const Ended ended = RunVortexctl(Under(text), {"run", "--plugin", Plugin("echo")});
  EXPECT_EQ(ended.exit_code, 125);
  EXPECT_NE(ended.err.find("[untrusted.no-sandbox]"), std::string::npos) << ended.err;
  EXPECT_TRUE(ended.out.empty());
}

TEST_F(PolicyRuns, AClassThatGoesAwayRefusesEveryRun) {
  const std::string runtime = containerd().dir() + "/fake-runsc";
  ASSERT_TRUE(base::WriteFileAtomic(runtime, "#!/bin/sh\nexit 1\n", 0755).ok());
  sandbox::EmbeddedOptions node =
      Under("version: 1\nallow_untrusted: true\nuntrusted: {runtime_classes: [gvisor]}\n");
  for (sandbox::RuntimeClassInfo& row : node.classes.rows) {
    if (row.runtime_class == oci::RuntimeClass::kGvisor) row.binary = runtime;
  }
  auto runner = sandbox::CreateEmbeddedRunner(node);
  ASSERT_TRUE(runner.ok()) << runner.status();
  ::unlink(runtime.c_str());
  const auto result = (*runner)->Run({.plugin = Plugin("echo")});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->termination.cause, Cause::kSandboxUnavailable);
  EXPECT_TRUE(Refused(*result, "runtime_class.not-ready")) << Describe(*result);
}

TEST_F(PolicyRuns, VortexctlStopsAtAPolicyThatIsNotValid) {
  sandbox::EmbeddedOptions node = options();
  node.policy.file = containerd().dir() + "/bad-policy.yaml";
  ASSERT_TRUE(base::WriteFileAtomic(node.policy.file, "version: 1\nalow: []\n", 0644).ok());
  Ended ended = RunVortexctl(node, {"run", "--plugin", Plugin("echo")});
  EXPECT_EQ(ended.exit_code, 125);
  EXPECT_NE(ended.err.find("bad-policy.yaml:2:1: unknown key \"alow\""), std::string::npos)
      << ended.err;
  ended = RunVortexctl(options(), {"policy", "check", node.policy.file});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.out.find(":2:1:"), std::string::npos) << ended.out;
  node.policy.file = "/no/such/policy.yaml";
  ended = RunVortexctl(node, {"run", "--plugin", Plugin("echo")});
  EXPECT_EQ(ended.exit_code, 125);
  EXPECT_NE(ended.err.find("/no/such/policy.yaml"), std::string::npos) << ended.err;
}

TEST_F(PolicyRuns, ExplainAndDiffSayWhatAPolicyMeans) {
  Ended ended = RunVortexctl(options(), {"policy", "explain", "--json", Plugin("echo")});
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  json explained = json::parse(ended.out);
  EXPECT_TRUE(explained["granted"]);
  EXPECT_EQ(explained["rules"][1]["rule"], "untrusted.allowed");
  ended = RunVortexctl(options(), {"policy", "explain", Plugin("wants-network")});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.out.find("refused: [network.not-allowlisted]"), std::string::npos) << ended.out;

  const std::string strict = Under("version: 1\n").policy.file;
  const std::string open = options().policy.file;
  ended = RunVortexctl(options(), {"policy", "diff", strict, open});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.out.find("loosens   runs: refused -> as untrusted"), std::string::npos)
      << ended.out;
  ended = RunVortexctl(options(), {"policy", "diff", "--json", open, strict});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(json::parse(ended.out)["changes"][0]["direction"], "tightens");
}

}  // namespace
}  // namespace vortex::testing
