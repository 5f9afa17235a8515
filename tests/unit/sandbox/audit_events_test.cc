// SPDX-License-Identifier: Apache-2.0
#include "sandbox/audit_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "audit/log.h"
#include "base/files.h"
#include "base/status.h"
#include "sandbox/run_record.h"
#include "support/status_matchers.h"

namespace vortex::sandbox {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

json FieldsOf(const audit::Event& event) { return json::parse("{" + event.fields + "}"); }

SandboxResult Sample() {
  SandboxResult result;
  result.run_id = "run-0123";
  result.plugin_id = "sample";
  result.plugin_version = "1.0.0";
  result.runtime_class = "runc";
  result.termination.cause = Cause::kPluginError;
  result.termination.exit_code = 1;
  result.termination.message = "ValueError: secret in the exception";
  result.termination.evidence = {{"oom_kill=1", "kernel"},
                                 {"exception: secret", "guest"},
                                 {"result record: secret", "runner"},
                                 {"killed: deadline, budget", "runner"}};
  result.output = "\"secret output\"";
  result.stdout_stream.kept = "secret print";
  result.stdout_stream.bytes_total = 12;
  result.rules = {{"limits.memory.default", "256m", "default 256m"}};
  Denial denial{.control = "filesystem", .action = "open", .target = "/etc/shadow\n\x1b[31m\xff"};
  denial.rule = "isolation.user-namespace";
  denial.witness = "kernel";
  denial.count = 3;
  denial.first_unix_ns = denial.last_unix_ns = 1'764'000'000'000'000'001;
  denial.errno_value = EACCES;
  result.denials = {denial};
  return result;
}

RunRequest SampleRequest() {
  RunRequest request;
  request.plugin = "/plugins/sample";
  request.payload = "\"secret payload\"";
  request.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  return request;
}

TEST(AuditEvents, NothingOfThePluginsOwnWordsIsInThem) {
  const RunRequest request = SampleRequest();
  const SandboxResult result = Sample();
  std::vector<audit::Event> events = EndEvents(request, result);
  events.push_back(DecisionEvent(request, result, absl::OkStatus()));
  events.push_back(StartEvent(request, result));
  for (const audit::Event& event : events) {
    EXPECT_THAT(event.fields, Not(HasSubstr("secret")));
    for (const char c : event.fields) ASSERT_TRUE(c >= 0x20 && c < 0x7f) << event.fields;
  }
  EXPECT_THAT(FieldsOf(events[0])["target"].get<std::string>(), HasSubstr("/etc/shadow"));
  EXPECT_EQ(FieldsOf(events[0])["errno"], "EACCES");
  EXPECT_EQ(FieldsOf(events[0])["first"], "2025-11-24T16:00:00.000000001Z");
  EXPECT_EQ(FieldsOf(events[1])["evidence"].size(), 2u);
}

TEST(AuditEvents, TargetsLoseQueriesAndPasswords) {
  const auto target = [](const char* control, const char* text) {
    return AuditTarget(Denial{.control = control, .action = "", .target = text});
  };
  EXPECT_EQ(target("network", "https://user:pw@example.com/a?token=1#x"), "https://example.com/a");
  EXPECT_EQ(target("network", "example.com/a?token=1"), "example.com/a");
  EXPECT_EQ(target("network", "192.0.2.1:80"), "192.0.2.1:80");
  EXPECT_EQ(target("filesystem", "/a?b#c"), "/a?b#c");
  EXPECT_EQ(target("filesystem", std::string(1000, 'x').c_str()), std::string(256, 'x') + "…");
}

TEST(AuditEvents, AFloodOfDenialsIsBoundedAndCounted) {
  SandboxResult result = Sample();
  result.denials.assign(1000, result.denials[0]);
  const auto events = EndEvents(SampleRequest(), result);
  EXPECT_EQ(events.size(), kMaxDenialEvents + 1);
  const json counts = FieldsOf(events.back())["denials"];
  EXPECT_EQ(counts["records"], 100);
  EXPECT_EQ(counts["omitted"], 900);
  EXPECT_EQ(counts["attempts"], 3000);
}

TEST(AuditEvents, TheLargestLinesCanBeWritten) {
  SandboxResult result = Sample();
  const std::string wide(4000, '\xfc');  // each byte becomes six
  result.rules.assign(1000, {wide, wide, wide});
  result.leftovers.assign(1000, wide);
  const auto decision = DecisionEvent(SampleRequest(), result, absl::OkStatus());
  EXPECT_LT(decision.fields.size(), audit::kMaxLineBytes - 512);
  EXPECT_EQ(FieldsOf(decision)["rules"].size() + FieldsOf(decision)["rules_omitted"].get<int>(),
            1000u);
  for (const auto& event : EndEvents(SampleRequest(), result))
    EXPECT_LT(event.fields.size(), audit::kMaxLineBytes - 512);
}

TEST(AuditEvents, AreAsThePublishedSchemaHasThem) {
  std::string dir = ::testing::TempDir() + "/vortex-schema-XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  audit::Log log({.directory = dir + "/log", .fsync = audit::Fsync::kNever});
  const RunRequest request = SampleRequest();
  std::vector<audit::Event> events = EndEvents(request, Sample());
  events.push_back(StartEvent(request, Sample()));
  for (const absl::Status& admitted :
       {absl::OkStatus(), absl::PermissionDeniedError("[network] no"),
        absl::FailedPreconditionError("no runsc"), absl::InvalidArgumentError("payload"),
        absl::UnavailableError("x")}) {
    events.push_back(DecisionEvent(request, Sample(), admitted));
  }
  SandboxResult bare;
  bare.run_id = "run-1";
  for (const audit::Event& event : EndEvents(request, bare)) events.push_back(event);
  EXPECT_THAT(log.Write(events, audit::Log::kUnderWay), IsOk());
  const std::string check = std::string("/usr/bin/python3 ") + std::getenv("VORTEX_SOURCE_DIR") +
                            "/tests/audit_schema_check.py " + dir + "/log";
  EXPECT_EQ(std::system(check.c_str()), 0);
  base::RemoveTree(dir).IgnoreError();
}

// What a run pays for its record; a figure, not a budget.
TEST(AuditEvents, PrintsWhatTheRecordOfARunCosts) {
  std::string dir = ::testing::TempDir() + "/vortex-cost-XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  const RunRequest request = SampleRequest();
  const struct {
    const char* name;
    audit::Fsync fsync;
    int runs;
  } policies[] = {{"never", audit::Fsync::kNever, 300},
                  {"interval", audit::Fsync::kInterval, 300},
                  {"always", audit::Fsync::kAlways, 50}};
  Metrics metrics;
  const auto time = [&](const char* name, audit::Log* log, int runs) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < runs; ++i) {
      RunRecord record(log, metrics, request);
      absl::StatusOr<SandboxResult> result = Sample();
      EXPECT_THAT(record.Ready(), IsOk());
      EXPECT_THAT(record.Decided(*result, absl::OkStatus()), IsOk());
      record.Started(*result);
      record.Finished(result);
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    std::printf("record of a run, %-18s %8.0f us\n", name, took.count() / runs);
  };
  for (const auto& policy : policies) {
    audit::Log log({.directory = dir + "/" + policy.name, .fsync = policy.fsync});
    time((std::string("fsync ") + policy.name).c_str(), &log, policy.runs);
  }
  time("metrics alone", nullptr, 300);
  base::RemoveTree(dir).IgnoreError();
}

}  // namespace
}  // namespace vortex::sandbox
