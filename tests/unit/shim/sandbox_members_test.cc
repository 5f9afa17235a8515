// SPDX-License-Identifier: Apache-2.0
#include "shim/sandbox_members.h"

#include <gtest/gtest.h>

namespace vortex::shim {
namespace {

TEST(SandboxMembersTest, AnExitStatusIsTakenAndNothingElse) {
  EXPECT_EQ(ParseWaitOutput("{\"id\":\"a\",\"exitStatus\":7}\n"), 7U);
  EXPECT_EQ(ParseWaitOutput("{\"exitStatus\":137,\"id\":\"a\"}"), 137U);
  EXPECT_EQ(ParseWaitOutput(""), std::nullopt);
  EXPECT_EQ(ParseWaitOutput("{\"id\":\"a\"}"), std::nullopt);
  EXPECT_EQ(ParseWaitOutput("{\"exitStatus\":-1}"), std::nullopt);
  EXPECT_EQ(ParseWaitOutput("{\"exitStatus\":256}"), std::nullopt);
  EXPECT_EQ(ParseWaitOutput("{\"exitStatus\":0}panic: something"), std::nullopt);
}

TEST(SandboxMembersTest, FiguresOfBothGenerations) {
  // runsc 2022-12 and 2024-07, shortened.
  const auto old = ParseMemberStats(
      R"({"type":"stats","id":"a","data":{"cpu":{"usage":{}},"memory":{"usage":{"limit":0,)"
      R"("usage":3731456,"failcnt":0},"swap":{"limit":0}},"pids":{"current":5}}})");
  ASSERT_TRUE(old.has_value());
  EXPECT_EQ(old->cpu_ns, 0U);
  EXPECT_EQ(old->memory_bytes, 3731456U);
  EXPECT_EQ(old->pids, 5U);
  const auto now = ParseMemberStats(
      R"({"type":"stats","data":{"cpu":{"usage":{"total":512178177}},"memory":{"usage":)"
      R"({"usage":909312}},"pids":{"current":1},"network_interfaces":[{"Name":"lo"}]}})");
  ASSERT_TRUE(now.has_value());
  EXPECT_EQ(now->cpu_ns, 512178177U);
  EXPECT_EQ(now->memory_bytes, 909312U);
  EXPECT_FALSE(ParseMemberStats("panic: divide by zero").has_value());
  EXPECT_FALSE(ParseMemberStats("{\"type\":\"stats\"}").has_value());
}

}  // namespace
}  // namespace vortex::shim
