// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/denial_log.h"

#include <gtest/gtest.h>

#include "sandbox/denials/denial_error.h"
#include "sandbox/denials/denial_watch.h"
#include "sandbox/denials/event_budget.h"

namespace vortex::sandbox {
namespace {

Attempt Open(const std::string& path) { return {"filesystem", "open", path, kRuleNoFile, 2}; }

TEST(DenialLogTest, EqualAttemptsAreCounted) {
  DenialLog log("kernel");
  log.Add(Open("/etc/passwd"), 5);
  log.Add(Open("/etc/shadow"), 6);
  log.Add(Open("/etc/passwd"), 9);
  const std::vector<Denial> records = log.Records();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].target, "/etc/passwd");
  EXPECT_EQ(records[0].count, 2u);
  EXPECT_EQ(records[0].first_unix_ns, 5);
  EXPECT_EQ(records[0].last_unix_ns, 9);
  EXPECT_EQ(records[0].witness, "kernel");
  EXPECT_EQ(records[0].errno_value, 2);
  EXPECT_NE(records[0].allowed_by, "");
}

TEST(DenialLogTest, AFloodOfOneKindIsBoundedCountedAndHidesNoOther) {
  DenialLog log("kernel");
  for (int i = 0; i < 100'000; ++i) log.Add(Open("/etc/" + std::to_string(i)), i);
  log.Add({"network", "connect", "192.0.2.1:80", kRuleNetwork, 101}, 7);
  const std::vector<Denial> records = log.Records();
  ASSERT_EQ(records.size(), kMaxRecordsPerAction + 2);
  EXPECT_EQ(records[kMaxRecordsPerAction].target, "192.0.2.1:80");
  EXPECT_EQ(records.back().target, kOtherTargets);
  EXPECT_EQ(records.back().count, 100'000 - kMaxRecordsPerAction);
  EXPECT_EQ(records.back().last_unix_ns, 99'999);
}

TEST(DenialLogTest, LongTargetsAreCut) {
  DenialLog log("kernel");
  log.Add(Open("/" + std::string(5000, 'x')), 1);
  EXPECT_EQ(log.Records()[0].target.size(), kMaxTargetBytes);
}

TEST(EventBudgetTest, ABurstThenARate) {
  EventBudget::Clock::time_point now{};
  EventBudget budget(now);
  int taken = 0;
  for (int i = 0; i < 60'000; ++i) taken += budget.Take(now) ? 1 : 0;
  EXPECT_EQ(taken, 50'000);
  EXPECT_EQ(budget.dropped(), 10'000u);
  now += std::chrono::milliseconds(10);
  for (int i = 0; i < 200; ++i) taken += budget.Take(now) ? 1 : 0;
  EXPECT_EQ(taken, 50'100);
}

SandboxResult Failed(PluginFailure failure, std::vector<Denial> denials) {
  SandboxResult result;
  result.termination.cause = Cause::kPluginError;
  result.failure = std::move(failure);
  result.denials = std::move(denials);
  return result;
}

Denial Record(const char* control, const char* action, const char* target, int error,
              const char* witness = "kernel") {
  return {.control = control,
          .action = action,
          .target = target,
          .rule = "isolation.x",
          .witness = witness,
          .count = 1,
          .errno_value = error};
}

TEST(DenialErrorTest, TheSameErrnoAndFile) {
  const auto error = ExplainFailure(Failed({.errno_value = 2, .filename = "/etc/passwd"},
                                           {Record("filesystem", "open", "/etc/shadow", 2),
                                            Record("filesystem", "open", "/etc/passwd", 2)}));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->target, "/etc/passwd");
  EXPECT_EQ(error->message, "denied: filesystem open of /etc/passwd by isolation.x");
}

TEST(DenialErrorTest, NoneForAnotherFileErrnoOrWitness) {
  const PluginFailure failure{.errno_value = 2, .filename = "/tmp/mine"};
  EXPECT_FALSE(ExplainFailure(Failed(failure, {Record("filesystem", "open", "/etc/passwd", 2)})));
  EXPECT_FALSE(ExplainFailure(Failed(failure, {Record("filesystem", "open", "/tmp/mine", 13)})));
  EXPECT_FALSE(
      ExplainFailure(Failed(failure, {Record("filesystem", "open", "/tmp/mine", 2, "guest")})));
  EXPECT_TRUE(ExplainFailure(Failed(failure, {Record("filesystem", "open", "/tmp/mine", 2)})));
}

TEST(DenialErrorTest, NoneForARunThatDidNotFail) {
  SandboxResult result =
      Failed({.errno_value = 101}, {Record("network", "connect", "192.0.2.1:80", 101)});
  EXPECT_TRUE(ExplainFailure(result));
  result.termination.cause = Cause::kDeadline;
  EXPECT_FALSE(ExplainFailure(result));
}

TEST(DenialErrorTest, AResolverErrorHasNoErrno) {
  const std::vector<Denial> denials = {Record("network", "resolve", "example.com", 111)};
  EXPECT_TRUE(ExplainFailure(Failed(
      {.message = "<urlopen error [Errno -3] Temporary failure in name resolution>"}, denials)));
  EXPECT_TRUE(ExplainFailure(Failed({.message = "cannot resolve example.com"}, denials)));
  EXPECT_FALSE(ExplainFailure(Failed({.message = "no such key"}, denials)));
}

TEST(MergeDenialsTest, AHintThatAWitnessTellsTooIsLeftOut) {
  std::vector<Denial> denials = {Record("process", "fork", "", 11),
                                 Record("filesystem", "open", "/etc/shadow", 13, "guest"),
                                 Record("network", "connect", "", 101, "guest")};
  MergeDenials({Record("filesystem", "open", "/etc/shadow", 13)}, denials);
  ASSERT_EQ(denials.size(), 3u);
  EXPECT_EQ(denials[0].witness, "kernel");
  EXPECT_EQ(denials[1].action, "fork");
  EXPECT_EQ(denials[2].control, "network");
  MergeDenials({Record("network", "connect", "192.0.2.1:80", 101)}, denials);
  EXPECT_EQ(denials.size(), 3u);
  EXPECT_EQ(denials[0].target, "192.0.2.1:80");
}

}  // namespace
}  // namespace vortex::sandbox
