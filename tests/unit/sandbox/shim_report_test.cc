// SPDX-License-Identifier: Apache-2.0
#include "sandbox/shim_report.h"

#include <gtest/gtest.h>

#include "vortex/v1/report.pb.h"

namespace vortex::sandbox {
namespace {

TEST(ShimReportTest, CountersControlsAndPhases) {
  ::vortex::v1::RunReport report;
  report.set_version(1);
  report.mutable_usage()->set_cpu_usec(1200);
  report.mutable_usage()->set_oom_kills_parent(2);
  report.mutable_usage()->set_pids_limit_hits(3);
  auto* limit = report.add_limits();
  limit->set_name("pids");
  limit->set_requested(20);
  limit->set_effective(20);
  limit->set_readback("20");
  auto* phase = report.add_phases();
  phase->set_name("runtime_create");
  phase->set_start_unix_ns(1'000'000);
  phase->set_end_unix_ns(3'500'000);
  auto* evidence = report.mutable_termination()->add_evidence();
  evidence->set_key("killed_at_deadline_unix_ns");
  evidence->set_value("1");
  const auto parsed = ParseShimReport(report.SerializeAsString());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->counters.cpu_usec, 1200u);
  EXPECT_EQ(parsed->counters.oom_kills, 0u);
  EXPECT_EQ(parsed->counters.memory_peak_bytes, std::nullopt) << "0 is not a measured peak";
  EXPECT_EQ(parsed->counters.pids_denied, 3u);
  EXPECT_EQ(parsed->oom_kills_parent, 2u);
  EXPECT_TRUE(parsed->killed_at_deadline);
  ASSERT_EQ(parsed->controls.size(), 1u);
  EXPECT_EQ(parsed->controls[0].readback, "20");
  ASSERT_EQ(parsed->phases.size(), 1u);
  EXPECT_EQ(parsed->phases[0].name, "create/runtime_create");
  EXPECT_EQ(parsed->phases[0].duration.count(), 2500);
}

TEST(ShimReportTest, WhatIsNoReportIsRefused) {
  EXPECT_FALSE(ParseShimReport("").ok());
  EXPECT_FALSE(ParseShimReport("\xff\xff\xff").ok());
  ::vortex::v1::RunReport report;
  report.set_version(2);
  EXPECT_FALSE(ParseShimReport(report.SerializeAsString()).ok());
}

TEST(ShimReportTest, InitsWordCountsForWhatTheShimCouldNotSee) {
  const std::vector<ControlReport> seen = {{"seccomp", 1, 1, "Seccomp: 2"}};
  const std::vector<ControlReport> unseen = {{"pids", 5, 5, "5"}, {"seccomp", 1, 0, "not seen: x"}};
  InitRecord init;
  auto controls = unseen;
  EXPECT_EQ(CompleteControls(init, &controls), "");
  EXPECT_EQ(controls[1].effective, 0);
  init.seccomp = 2;
  EXPECT_EQ(CompleteControls(init, &controls), "");
  EXPECT_EQ(controls[1].effective, 1);
  EXPECT_EQ(controls[1].readback, "Seccomp: 2, told by init");
  init.seccomp = 0;
  controls = unseen;
  EXPECT_NE(CompleteControls(init, &controls).find("control seccomp"), std::string::npos);
  // What the shim saw itself stands; under gVisor the sentry's 0 says nothing.
  controls = seen;
  EXPECT_EQ(CompleteControls(init, &controls), "");
  EXPECT_EQ(controls[0].effective, 1);
}

}  // namespace
}  // namespace vortex::sandbox
