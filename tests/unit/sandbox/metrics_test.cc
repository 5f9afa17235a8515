// SPDX-License-Identifier: Apache-2.0
#include "sandbox/metrics.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "sandbox/metrics_exposer.h"
#include "sandbox/metrics_file.h"
#include "support/status_matchers.h"

namespace vortex::sandbox {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::StatusIs;

SandboxResult Ended(Cause cause, const std::string& plugin = "p") {
  SandboxResult result;
  result.run_id = "run-0123456789abcdef";
  result.plugin_id = plugin;
  result.runtime_class = "runc";
  result.termination.cause = cause;
  result.total = std::chrono::milliseconds(30);
  return result;
}

TEST(MetricsTest, CountsByClassAndCause) {
  Metrics metrics;
  metrics.Finished({}, Ended(Cause::kOk));
  metrics.Finished({}, Ended(Cause::kOk));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("vortex_runs_total{cause=\"ok\",runtime_class=\"runc\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("vortex_runs_total{cause=\"oom\",runtime_class=\"gvisor\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("vortex_build_info{version=\""));
}

TEST(MetricsTest, NoLabelComesFromOutside) {
  Metrics metrics({.plugins = {"listed"}});
  SandboxResult result = Ended(Cause::kOk, "unlisted");
  result.runtime_class = "made-up";
  result.denials = {{.control = "made-up",
                     .action = "a",
                     .target = "t",
                     .rule = "r",
                     .witness = "me",
                     .count = 5}};
  metrics.Finished({}, result);
  metrics.Finished({}, Ended(Cause::kOk, "listed"));
  for (int i = 0; i < 100; ++i) {
    result.rules = {{"r" + std::to_string(i) + ".x", "refused", "no", "built in"}};
    metrics.Decided("denied", result);
  }
  const std::string text = metrics.Text();
  EXPECT_THAT(text, Not(HasSubstr("made-up")));
  EXPECT_THAT(text, Not(HasSubstr("unlisted")));
  EXPECT_THAT(text, Not(HasSubstr("run-0123456789abcdef")));
  EXPECT_THAT(text, HasSubstr("vortex_denials_total{control=\"other\",witness=\"other\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("vortex_plugin_runs_total{cause=\"ok\",plugin=\"listed\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{decision=\"denied\",rule=\"other\"} 68\n"));
}

TEST(MetricsTest, ADecisionHasTheFamilyOfTheRuleThatRefused) {
  Metrics metrics;
  SandboxResult result;
  result.rules = {{"trust.default", "untrusted", "", "built in"},
                  {"limits.memory.request", "refused", "", "built in"},
                  {"network.not-allowlisted", "refused", "", "built in"}};
  metrics.Decided("invalid", result);
  result.rules.resize(1);
  metrics.Decided("granted", result);
  EXPECT_THAT(metrics.Text(), HasSubstr("{decision=\"invalid\",rule=\"limits\"} 1\n"));
  EXPECT_THAT(metrics.Text(), HasSubstr("{decision=\"granted\",rule=\"none\"} 1\n"));
}

TEST(MetricsTest, TheOverrunIsWhatCameAfterTheDeadline) {
  SandboxResult result = Ended(Cause::kDeadline);
  result.limits = {{.name = "budget_ms", .requested = {}, .effective = 100}};
  result.timings = {{"create", std::chrono::milliseconds(40)},
                    {"create/runtime_create", std::chrono::milliseconds(30)},
                    {"run", std::chrono::milliseconds(80)},
                    {"settle", std::chrono::milliseconds(500)}};
  EXPECT_DOUBLE_EQ(DeadlineOverrunSeconds(result), 0.02);
  result.termination.cause = Cause::kOk;
  EXPECT_LT(DeadlineOverrunSeconds(result), 0);
}

TEST(MetricsExposerTest, ServesTheTextAndRefusesATakenPort) {
  Metrics metrics;
  auto first = MetricsExposer::Serve("127.0.0.1:0", metrics);
  EXPECT_THAT(first, IsOk());
  EXPECT_THAT(MetricsExposer::Serve("nowhere", metrics),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("serve metrics at nowhere")));
}

TEST(MergeMetricsTest, AddsCountersAndHistogramsAndKeepsGauges) {
  Metrics metrics;
  metrics.Finished({}, Ended(Cause::kOk));
  auto merged = MergeMetrics("", metrics.Text());
  ASSERT_THAT(merged, IsOk());
  merged = MergeMetrics(*merged, metrics.Text());
  ASSERT_THAT(merged, IsOk());
  EXPECT_THAT(*merged, HasSubstr("vortex_runs_total{cause=\"ok\",runtime_class=\"runc\"} 2\n"));
  EXPECT_THAT(*merged, HasSubstr("vortex_run_duration_seconds_count{runtime_class=\"runc\"} 2\n"));
  EXPECT_THAT(*merged, HasSubstr("le=\"+Inf\"} 2\n"));
  EXPECT_THAT(*merged, HasSubstr("vortex_build_info{version=\""));
  EXPECT_THAT(*merged, Not(HasSubstr("\"} 2\nvortex_build_info")));
}

TEST(MergeMetricsTest, AHistogramWithOtherBucketsBeginsAnew) {
  const std::string head = "# HELP vortex_h h\n# TYPE vortex_h histogram\n";
  const auto merged = MergeMetrics(head + "vortex_h_count 5\nvortex_h_bucket{le=\"1\"} 5\n",
                                   head + "vortex_h_count 1\nvortex_h_bucket{le=\"2\"} 1\n");
  ASSERT_THAT(merged, IsOk());
  EXPECT_EQ(*merged, head + "vortex_h_count 1\nvortex_h_bucket{le=\"2\"} 1\n");
}

TEST(MetricsFileTest, AFileOfSomebodyElseIsLeftAlone) {
  const std::string path = ::testing::TempDir() + "/vortex-foreign.prom";
  std::ofstream(path) << "node_load1 3\n";
  EXPECT_THAT(AddToMetricsFile(path, Metrics().Text()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 1 is none")));
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), "node_load1 3\n");
  ::unlink(path.c_str());
  ::unlink((path + ".lock").c_str());
}

TEST(MetricsFileTest, ManyProcessesLoseNoCount) {
  const std::string path = ::testing::TempDir() + "/vortex-many.prom";
  ::unlink(path.c_str());
  Metrics metrics;
  metrics.Finished({}, Ended(Cause::kOk));
  const std::string text = metrics.Text();
  for (int p = 0; p < 4; ++p) {
    if (::fork() != 0) continue;
    for (int i = 0; i < 10; ++i)
      if (!AddToMetricsFile(path, text).ok()) ::_exit(1);
    ::_exit(0);
  }
  for (int p = 0; p < 4; ++p) {
    int status = 1;
    ::wait(&status);
    EXPECT_EQ(status, 0);
  }
  std::ostringstream sum;
  sum << std::ifstream(path).rdbuf();
  EXPECT_THAT(sum.str(), HasSubstr("vortex_runs_total{cause=\"ok\",runtime_class=\"runc\"} 40\n"));
  ::unlink(path.c_str());
  ::unlink((path + ".lock").c_str());
}

}  // namespace
}  // namespace vortex::sandbox
