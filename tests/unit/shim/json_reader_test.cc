// SPDX-License-Identifier: Apache-2.0
#include "base/json_reader.h"

#include <gtest/gtest.h>

namespace vortex::base {
namespace {

bool WellFormed(std::string_view text) {
  JsonReader json(text);
  json.Skip();
  return json.Finish();
}

TEST(JsonReaderTest, TakesWhatIsAskedForAndSkipsTheRest) {
  std::string name;
  std::int64_t limit = 0;
  bool flag = false;
  JsonReader json(
      R"( {"skip": [1, {"a": null}], "name": "a\"b\u00e9\ud83d\ude00", "limit": -12, "flag": true} )");
  json.Object([&](std::string_view key) {
    if (key == "name") {
      name = json.String();
    } else if (key == "limit") {
      limit = json.Int();
    } else if (key == "flag") {
      flag = json.Bool();
    } else {
      json.Skip();
    }
  });
  EXPECT_TRUE(json.Finish());
  EXPECT_EQ(name, "a\"b\u00e9\U0001F600");
  EXPECT_EQ(limit, -12);
  EXPECT_TRUE(flag);
}

TEST(JsonReaderTest, AValueOfAnotherTypeIsSkippedNotAnError) {
  JsonReader json(R"({"name": {"deep": [1]}, "limit": "x", "list": null})");
  std::string name = "old";
  json.Object([&](std::string_view key) {
    if (key == "name") {
      name = json.String();
    } else if (key == "limit") {
      EXPECT_EQ(json.Int(), 0);
    } else {
      json.Array([] { FAIL(); });
    }
  });
  EXPECT_TRUE(json.Finish());
  EXPECT_EQ(name, "");
}

TEST(JsonReaderTest, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "[1,]", "{\"a\" 1}", "{\"a\":1,}", "\"a", "\"\\x\"",
                           "\"\\u12\"", "nul", "-", "1 2", "\"\n\"", "{1:2}", "[}"}) {
    EXPECT_FALSE(WellFormed(text)) << text;
  }
  for (const char* text : {"{}", "[]", "1e5", "-0.5", "\"\"", "null", " [ true , false ] "}) {
    EXPECT_TRUE(WellFormed(text)) << text;
  }
}

TEST(JsonReaderTest, DepthIsBounded) {
  EXPECT_TRUE(WellFormed(std::string(60, '[') + std::string(60, ']')));
  EXPECT_FALSE(WellFormed(std::string(100000, '[')));
}

TEST(JsonReaderTest, IntegersAreClampedAndFractionsAreZero) {
  EXPECT_EQ(JsonReader("99999999999999999999").Int(), INT64_MAX);
  EXPECT_EQ(JsonReader("-99999999999999999999").Int(), INT64_MIN);
  EXPECT_EQ(JsonReader("1.5").Int(), 0);
}

TEST(JsonReaderTest, ACallerThatForgetsAValueFails) {
  JsonReader json(R"({"a": 1})");
  json.Object([](std::string_view) {});
  EXPECT_FALSE(json.Finish());
}

TEST(JsonQuoteTest, RoundTrips) {
  const std::string nasty("a\"\\\n\x01\x7f", 6);
  EXPECT_EQ(JsonReader(JsonQuote(nasty)).String(), nasty);
}

}  // namespace
}  // namespace vortex::base
