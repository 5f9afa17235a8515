// SPDX-License-Identifier: Apache-2.0
// What the shim does for our own jobs, by annotations.
#include <gmock/gmock.h>
#include <signal.h>

#include "integration/shim/ctr_fixture.h"
#include "shim/files.h"
#include "vortex/v1/report.pb.h"

namespace vortex::shim::testing {
namespace {

namespace v1 = ::vortex::v1;

class JobsTest : public CtrTest {
 protected:
  std::string Job(const std::string& more = "") {
    return "--annotation io.vortex.run-id=r1 --annotation io.vortex.report=" + Dir() + "/report " +
           more;
  }
  v1::RunReport Report() {
    v1::RunReport report;
    const auto bytes = ReadFile(Dir() + "/report", 1 << 20);
    EXPECT_TRUE(bytes) << "no report";
    if (bytes) {
      EXPECT_TRUE(report.ParseFromString(*bytes));
    }
    return report;
  }
};

TEST_F(JobsTest, AnOrdinaryEnd) {
  EXPECT_EQ(Run("--rm " + Job(), "a", "both").code, 0);
  const v1::RunReport report = Report();
  EXPECT_EQ(report.run_id(), "r1");
  EXPECT_EQ(report.termination().cause(), v1::OK);
  EXPECT_GT(report.usage().cpu_usec(), 0U);
  EXPECT_GT(report.usage().wall_usec(), 0U);
  ASSERT_EQ(report.phases_size(), 4);
  for (int i = 1; i < 4; ++i)
    EXPECT_GE(report.phases(i).start_unix_ns(), report.phases(i - 1).end_unix_ns());
}

TEST_F(JobsTest, CausesComeFromEvidence) {
  Run("--rm " + Job(), "a", "exit 3");
  EXPECT_EQ(Report().termination().cause(), v1::PLUGIN_ERROR);
  EXPECT_EQ(Report().termination().exit_code(), 3U);
  // 137 by itself is no proof of anything.
  Run("--rm " + Job(), "b", "exit 137");
  EXPECT_EQ(Report().termination().cause(), v1::PLUGIN_ERROR);
  Run("--rm --memory-limit 20000000 " + Job(), "c", "memory 100");
  EXPECT_EQ(Report().termination().cause(), v1::OOM);
  EXPECT_EQ(Report().termination().limit(), "memory");
  EXPECT_GT(Report().usage().oom_kills(), 0U);
  ASSERT_EQ(Run("-d " + Job(), "d", "sleep 1000").code, 0);
  Ctr("task kill -s SIGKILL d");
  ASSERT_TRUE(Until([this] { return StateOf("d") == "STOPPED"; }));
  EXPECT_EQ(Report().termination().cause(), v1::SIGNAL);
  Ctr("task rm d");
}

TEST_F(JobsTest, TheLimitIsReadBack) {
  Run("--rm --memory-limit 20000000 " + Job(), "a", "true");
  const v1::RunReport report = Report();
  bool found = false;
  for (const auto& limit : report.limits()) {
    if (limit.name() != "memory_bytes") continue;
    found = true;
    EXPECT_EQ(limit.requested(), 20000000);
    EXPECT_LE(limit.effective(), 20000000);
    EXPECT_GT(limit.effective(), 19900000);
  }
  EXPECT_TRUE(found);
}

TEST_F(JobsTest, TheDeadlineHoldsWithContainerdDead) {
  const std::string deadline = std::to_string(NowUnixNs() + 3'000'000'000);
  ASSERT_EQ(
      Run("-d " + Job("--annotation io.vortex.deadline-unix-ns=" + deadline), "a", "stay").code, 0);
  containerd().Kill9();
  ASSERT_TRUE(Until([this] { return ReadFile(Dir() + "/report", 1 << 20).has_value(); }))
      << "nobody killed it";
  const std::int64_t now = NowUnixNs();
  const v1::RunReport report = Report();
  EXPECT_EQ(report.termination().cause(), v1::DEADLINE);
  std::int64_t killed = 0;
  for (const auto& evidence : report.termination().evidence()) {
    if (evidence.key() == "killed_at_deadline_unix_ns")
      killed = std::atoll(evidence.value().c_str());
  }
  printf("killed %lld us after the deadline\n",
         static_cast<long long>((killed - std::atoll(deadline.c_str())) / 1000));
  EXPECT_LT(killed - std::atoll(deadline.c_str()), 1'000'000'000);
  EXPECT_GT(now, killed);
  ASSERT_TRUE(containerd().Restart().ok());
  EXPECT_EQ(StateOf("a"), "STOPPED");
  Ctr("task rm a");
}

TEST_F(JobsTest, WithoutARunIdTheAnnotationsDoNothing) {
  const std::string past = std::to_string(NowUnixNs() - 1);
  const Output output = Run("--rm --annotation io.vortex.deadline-unix-ns=" + past +
                                " --annotation io.vortex.report=" + Dir() + "/report",
                            "a", "exit 4");
  EXPECT_EQ(output.code, 4);
  EXPECT_FALSE(ReadFile(Dir() + "/report", 1 << 20));
  // A pod's annotations may come from someone who must not name files for root to write.
  Run("--rm --annotation io.kubernetes.cri.sandbox-id=pod " + Job(), "b", "true");
  EXPECT_FALSE(ReadFile(Dir() + "/report", 1 << 20));
}

// Nobody may set this host's clock, so the kernel says which clock the timer is on: one that a step
// of the wall clock does not move, and an absolute point of it.
TEST_F(JobsTest, TheDeadlinesTimerIsOnTheBootClock) {
  const std::string deadline = std::to_string(NowUnixNs() + 3'600'000'000'000);
  ASSERT_EQ(
      Run("-d " + Job("--annotation io.vortex.deadline-unix-ns=" + deadline), "a", "sleep 1000")
          .code,
      0);
  const std::string proc = "/proc/" + std::to_string(ShimOf("a"));
  const std::string timers =
      Shell("cd " + proc +
            "/fd && for fd in *; do [ \"$(readlink $fd)\" = 'anon_inode:[timerfd]' ] && "
            "cat ../fdinfo/$fd; done; true")
          .text;
  // CLOCK_BOOTTIME is 7; flag 1 is TFD_TIMER_ABSTIME.
  EXPECT_THAT(timers, ::testing::HasSubstr("clockid: 7\n"));
  EXPECT_THAT(timers, ::testing::HasSubstr("settime flags: 01\n"));
  EXPECT_THAT(timers, ::testing::ContainsRegex("it_value: \\(3(59|58|57)[0-9],"));
  EXPECT_EQ(timers.find("clockid: 0"), std::string::npos)
      << "a timer on the wall clock: " << timers;
  Ctr("task kill -s SIGKILL a");
  ASSERT_TRUE(Until([this] { return StateOf("a") == "STOPPED"; }));
  Ctr("task rm a");
}

}  // namespace
}  // namespace vortex::shim::testing
