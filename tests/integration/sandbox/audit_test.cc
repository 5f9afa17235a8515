// SPDX-License-Identifier: Apache-2.0
// Every run leaves its lines and its numbers, whatever came of it.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "audit/verify.h"
#include "base/cancellation.h"
#include "base/files.h"
#include "integration/sandbox/sandbox_fixture.h"
#include "integration/sandbox/vortexctl.h"
#include "sandbox/metrics.h"

namespace vortex::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTraceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

class Audit : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (IsSkipped()) return;
    std::string dir = ::testing::TempDir() + "/vortex-run-audit-XXXXXX";
    dir_ = ::mkdtemp(dir.data());
    audited_ = options();
    audited_.audit.directory = dir_ + "/log";
    audited_.metrics = std::make_shared<sandbox::Metrics>();
    Restart();
  }
  void TearDown() override {
    SandboxTest::TearDown();
    if (!dir_.empty()) base::RemoveTree(dir_).IgnoreError();
  }
  void Restart() {
    auto runner = sandbox::CreateEmbeddedRunner(audited_);
    ASSERT_TRUE(runner.ok()) << runner.status();
    runner_ = *std::move(runner);
  }

  absl::StatusOr<sandbox::SandboxResult> Go(const std::string& plugin,
                                            const json& payload = nullptr) {
    sandbox::RunRequest request;
    request.plugin = Plugin(plugin);
    request.payload = payload.dump();
    request.traceparent = kTraceparent;
    return runner_->Run(request);
  }

  // All lines but the log's own, each checked for what every line must have; the chain is whole.
  std::vector<json> Lines() const {
    const auto verified =
        audit::Verify(audited_.audit.directory, {.expect_head = {}, .from_start = true});
    EXPECT_TRUE(verified.ok() && verified->findings.empty());
    std::vector<json> out;
    const absl::Status read =
        audit::ReadLines(audited_.audit.directory,
                         [&](const std::string&, std::uint64_t, std::string_view line, bool) {
                           out.push_back(json::parse(line));
                           if (!out.back().contains("run_id")) out.pop_back();
                           return true;
                         });
    EXPECT_TRUE(read.ok()) << read;
    const std::string check = std::string("/usr/bin/python3 ") + std::getenv("VORTEX_SOURCE_DIR") +
                              "/tests/audit_schema_check.py " + audited_.audit.directory;
    EXPECT_EQ(std::system(check.c_str()), 0);
    return out;
  }
  static std::vector<std::string> Types(const std::vector<json>& lines) {
    std::vector<std::string> out;
    for (const json& line : lines) out.push_back(line["type"]);
    return out;
  }
  std::string Text() const {
    std::string out;
    for (const json& line : Lines()) out += line.dump();
    return out;
  }
  bool Counted(const std::string& sample) const {
    return audited_.metrics->Text().find(sample + " 1\n") != std::string::npos;
  }

  std::string dir_;
  sandbox::EmbeddedOptions audited_;
  std::unique_ptr<sandbox::SandboxRunner> runner_;
};

// What the gate refuses as InvalidArgument, and what never comes as far as the gate.
TEST_F(Audit, ARequestThatSaysNothingRunnableLeavesItsRules) {
  const auto refused_by = [&](const sandbox::RunRequest& request) {
    const auto result = runner_->Run(request);
    EXPECT_TRUE(absl::IsInvalidArgument(result.status()) || absl::IsNotFound(result.status()))
        << result.status();
    const json line = Lines().back();
    EXPECT_EQ(line["type"], "decision");
    EXPECT_EQ(line["decision"], "invalid");
    std::string rule;
    for (const json& item : line["rules"])
      if (rule.empty() && item["outcome"] == "refused") rule = item["rule"];
    return rule;
  };
  sandbox::RunRequest request{.plugin = Plugin("echo"), .payload = "1"};
  request.limits.memory_bytes = std::int64_t{1} << 50;
  EXPECT_THAT(refused_by(request), HasSubstr("limits.memory."));
  EXPECT_EQ(Lines().back()["plugin"]["id"], "echo");
  EXPECT_GT(Lines().back()["rules"].size(), 3u) << "all of the gate's rules, not the refusal alone";
  EXPECT_TRUE(Counted("vortex_gate_decisions_total{decision=\"invalid\",rule=\"limits\"}"));
  EXPECT_EQ(refused_by({.plugin = Plugin("echo"), .payload = "no json"}), "request.not-runnable");
  EXPECT_TRUE(Counted("vortex_gate_decisions_total{decision=\"invalid\",rule=\"request\"}"));
  EXPECT_EQ(refused_by({.plugin = "/no/such/plugin", .payload = "1"}), "request.not-runnable");
}

TEST_F(Audit, AGoodRun) {
  const auto result = Go("echo", "my secret payload");
  ASSERT_TRUE(result.ok() && result->termination.cause == sandbox::Cause::kOk);
  const std::vector<json> lines = Lines();
  ASSERT_THAT(Types(lines), ElementsAre("decision", "start", "end"));
  for (const json& line : lines) {
    EXPECT_EQ(line["run_id"], result->run_id);
    EXPECT_EQ(line["traceparent"], kTraceparent);
    EXPECT_EQ(line["plugin"]["id"], "echo");
    EXPECT_EQ(line["plugin"]["digest"], result->bundle_digest);
  }
  EXPECT_EQ(lines[0]["decision"], "granted");
  EXPECT_EQ(lines[0]["rules"].size(), result->rules.size());
  EXPECT_EQ(lines[1]["spec_digest"], result->spec_digest);
  EXPECT_EQ(lines[2]["cause"], "ok");
  EXPECT_EQ(lines[2]["output"]["bytes"], result->output.size());
  EXPECT_THAT(Text(), Not(HasSubstr("secret")));
  ASSERT_TRUE(result->audit);
  EXPECT_EQ(result->audit->records_lost, 0u);
  EXPECT_EQ(audit::Verify(audited_.audit.directory, {})->head, result->audit->hash);
  EXPECT_TRUE(Counted("vortex_gate_decisions_total{decision=\"granted\",rule=\"none\"}"));
  EXPECT_THAT(audited_.metrics->Text(), HasSubstr("vortex_audit_records_total 3\n"));
}

TEST_F(Audit, ARunThatTheGateRefuses) {
  const auto result = Go("wants-network");
  ASSERT_TRUE(result.ok() && result->termination.cause == sandbox::Cause::kPolicyDenied);
  const std::vector<json> lines = Lines();
  ASSERT_THAT(Types(lines), ElementsAre("decision", "end"));
  EXPECT_EQ(lines[0]["decision"], "denied");
  EXPECT_THAT(lines[0]["reason"].get<std::string>(), HasSubstr("[network"));
  EXPECT_EQ(lines[1]["cause"], "policy_denied");
  EXPECT_THAT(audited_.metrics->Text(), HasSubstr("{decision=\"denied\",rule=\"network\"} 1\n"));
}

TEST_F(Audit, ARunThatTheNodeRefuses) {
  audited_.address = "/nowhere/containerd.sock";
  Restart();
  ASSERT_TRUE(Go("echo").ok());
  const std::vector<json> lines = Lines();
  ASSERT_THAT(Types(lines), ElementsAre("decision", "end"));
  EXPECT_EQ(lines[0]["decision"], "granted");
  EXPECT_EQ(lines[1]["cause"], "sandbox_unavailable");
  EXPECT_THAT(lines[1]["message"].get<std::string>(), HasSubstr("/nowhere/containerd.sock"));
}

TEST_F(Audit, RequestsThatSayNothingRunnable) {
  sandbox::RunRequest request;
  request.plugin = Plugin("echo");
  request.payload = "{my secret";
  EXPECT_FALSE(runner_->Run(request).ok());
  request.payload = "1";
  request.traceparent = "00-my-secret";
  EXPECT_FALSE(runner_->Run(request).ok());
  request.traceparent = "";
  request.plugin = dir_ + "/nowhere";
  EXPECT_FALSE(runner_->Run(request).ok());
  const std::vector<json> lines = Lines();
  ASSERT_THAT(Types(lines), ElementsAre("decision", "decision", "decision"));
  for (const json& line : lines) {
    EXPECT_EQ(line["decision"], "invalid");
    EXPECT_FALSE(line["reason"].get<std::string>().empty());
  }
  EXPECT_EQ(lines[2]["requested"], dir_ + "/nowhere");
  EXPECT_THAT(Text(), Not(HasSubstr("secret")));
  EXPECT_THAT(audited_.metrics->Text(), HasSubstr("{decision=\"invalid\",rule=\"request\"} 3\n"));
}

TEST_F(Audit, RunsThatFail) {
  ASSERT_TRUE(Go("exits", {{"mode", "raise"}}).ok());
  ASSERT_TRUE(Go("memory-hog", {{"mib", 512}}).ok());
  ASSERT_TRUE(Go("fs-probe", {{"op", "read"}, {"path", "/etc/shadow"}}).ok());
  sandbox::RunRequest request;
  request.plugin = Plugin("sleeper");
  request.payload = R"({"seconds":60})";
  request.limits.budget = std::chrono::milliseconds(1500);
  ASSERT_TRUE(runner_->Run(request).ok());
  base::Cancellation cancel;
  cancel.Cancel();
  request.cancel = &cancel;
  ASSERT_TRUE(runner_->Run(request).ok());
  std::vector<std::string> causes;
  for (const json& line : Lines())
    if (line["type"] == "end") causes.push_back(line["cause"]);
  EXPECT_EQ(causes.size(), 5u);
  EXPECT_THAT(causes, ::testing::Contains("plugin_error"));
  EXPECT_THAT(causes, ::testing::Contains("oom"));
  EXPECT_EQ(causes[3], "deadline");
  EXPECT_EQ(causes[4], "cancelled");
  EXPECT_TRUE(Counted("vortex_oom_kills_total{scope=\"run\"}"));
  EXPECT_TRUE(Counted("vortex_deadline_overrun_seconds_count"));
}

TEST_F(Audit, AFullDiskFailsClosedOrOpenAsConfigured) {
  const std::string at = dir_ + "/small";
  std::filesystem::create_directory(at);
  ASSERT_EQ(::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=512k"), 0);
  audited_.audit.directory = at + "/log";
  Restart();
  ASSERT_TRUE(Go("echo").ok());
  {
    std::ofstream ballast(at + "/ballast");
    while (ballast << std::string(4096, 'x') << std::flush) {
    }
  }
  // What is left of the last page is used up; then nothing is begun.
  sandbox::SandboxResult refused = *Go("echo");
  for (int i = 0; i < 5 && refused.termination.cause != sandbox::Cause::kSandboxUnavailable; ++i)
    refused = *Go("echo");
  EXPECT_EQ(refused.termination.cause, sandbox::Cause::kSandboxUnavailable);
  EXPECT_THAT(refused.termination.message,
              ::testing::AllOf(HasSubstr("audit log " + at), HasSubstr("ENOSPC")));
  EXPECT_TRUE(refused.spec_json.empty()) << "nothing is made";
  audited_.audit.on_full = audit::OnFull::kFailOpen;
  Restart();
  sandbox::SandboxResult open;
  for (int i = 0; i < 3; ++i) open = *Go("echo");
  EXPECT_EQ(open.termination.cause, sandbox::Cause::kOk);
  ASSERT_TRUE(open.audit);
  EXPECT_GT(open.audit->records_lost, 0u);
  EXPECT_THAT(open.audit->error, HasSubstr("ENOSPC"));
  EXPECT_THAT(audited_.metrics->Text(), Not(HasSubstr("vortex_audit_records_lost_total 0")));
  ::umount2(at.c_str(), MNT_DETACH);
}

TEST_F(Audit, VortexctlWritesVerifiesAndExports) {
  const std::string log = audited_.audit.directory, metrics = dir_ + "/vortex.prom";
  for (int i = 0; i < 2; ++i) {
    const Ended ended =
        RunVortexctl(options(), {"--audit-dir", log, "run", "--plugin", Plugin("echo"), "--payload",
                                 "1", "--metrics-out", metrics});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
  }
  std::ostringstream text;
  text << std::ifstream(metrics).rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("vortex_audit_records_total 6\n"));
  const Ended verified = RunVortexctl(options(), {"audit", "verify", log});
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
  EXPECT_THAT(verified.out, HasSubstr("intact: 7 lines in 1 segments"));
  const Ended exported = RunVortexctl(options(), {"audit", "export", log, "--format", "ocsf"});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_EQ(std::count(exported.out.begin(), exported.out.end(), '\n'), 7);
  std::ofstream(log + "/active.jsonl", std::ios::app) << "{\"schema";
  EXPECT_EQ(RunVortexctl(options(), {"audit", "verify", log}).exit_code, 2);
  std::filesystem::resize_file(log + "/active.jsonl", 1000);
  EXPECT_EQ(RunVortexctl(options(), {"audit", "verify", log}).exit_code, 1);
  EXPECT_EQ(RunVortexctl(options(), {"audit", "verify", dir_ + "/none"}).exit_code, 125);
}

}  // namespace
}  // namespace vortex::testing
