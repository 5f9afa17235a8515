// SPDX-License-Identifier: Apache-2.0
#include "review/json_tree.h"

#include <gtest/gtest.h>

namespace vortex::review {
namespace {

TEST(JsonTreeTest, RefusesWhatIsNoJson) {
  for (const char* bad : {"",
                          "{",
                          "[1,]",
                          "{\"a\":1,}",
                          "{\"a\" 1}",
                          "{a:1}",
                          "01",
                          "1.",
                          "-",
                          "1e",
                          "tru",
                          "\"\\x\"",
                          "\"\n\"",
                          "\"\\ud800\"",
                          "{} {}",
                          "\"\xff\"",
                          "nan",
                          "[1 2]",
                          "\"\\u12\"",
                          "{\"a\":1,\"a\":2}",
                          "{\"a\":1,\"\\u0061\":2}"})
    EXPECT_FALSE(ParseJson(bad).ok()) << bad;
}

TEST(JsonTreeTest, Limits) {
  EXPECT_TRUE(ParseJson(std::string(kMaxDepth, '[') + std::string(kMaxDepth, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(kMaxDepth + 1, '[') + std::string(kMaxDepth + 1, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(kMaxSpecBytes + 1, ' ')).ok());
  std::string many = "[0";
  for (std::size_t i = 0; i < kMaxValues; ++i) many += ",0";
  EXPECT_FALSE(ParseJson(many + "]").ok());
}

TEST(JsonTreeTest, NumbersAndPlaces) {
  const Value value =
      ParseJson("[1, -2, 1.0, 18446744073709551615,\n \"é\", 99999999999999999999]").value();
  EXPECT_EQ(value.items[0].Int(), 1);
  EXPECT_EQ(value.items[1].Int(), -2);
  EXPECT_FALSE(value.items[2].Int());
  EXPECT_EQ(value.items[3].Uint(), 18446744073709551615ULL);
  EXPECT_EQ(value.items[5].Int(), INT64_MAX);
  EXPECT_EQ(value.items[5].at.line, 2);
  EXPECT_EQ(value.items[5].at.column, 7);
}

}  // namespace
}  // namespace vortex::review
