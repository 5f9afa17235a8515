// SPDX-License-Identifier: Apache-2.0
// vortex/v1/report.proto is written by one program and read by another, maybe of another version:
// what is in it must not move.
#include <gtest/gtest.h>

#include "proto/packaged_protos.h"

namespace vortex::proto_test {
namespace {

TEST(ReportTest, CausesKeepTheirNumbers) {
  ASSERT_EQ(LoadOurs().error, "");
  const std::vector<std::string> causes = {"CAUSE_UNSPECIFIED",
                                           "OK",
                                           "PLUGIN_ERROR",
                                           "SIGNAL",
                                           "OOM",
                                           "DEADLINE",
                                           "CPU_BUDGET",
                                           "PIDS_LIMIT",
                                           "OUTPUT_LIMIT",
                                           "DISK_LIMIT",
                                           "POLICY_DENIED",
                                           "SANDBOX_UNAVAILABLE",
                                           "SPAWN_FAILED",
                                           "CANCELLED",
                                           "SANDBOX_LOST"};
  const WireTable& table = LoadOurs().table;
  for (size_t number = 0; number < causes.size(); ++number) {
    const auto entry = table.find("vortex.v1.Cause=" + std::to_string(number));
    ASSERT_NE(entry, table.end()) << number;
    EXPECT_EQ(entry->second.name, causes[number]);
  }
  EXPECT_EQ(table.count("vortex.v1.Cause=" + std::to_string(causes.size())), 0u);
}

}  // namespace
}  // namespace vortex::proto_test
