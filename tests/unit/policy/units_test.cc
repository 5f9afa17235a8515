// SPDX-License-Identifier: Apache-2.0
#include "policy/units.h"

#include <gmock/gmock.h>

#include <limits>
#include <random>

#include "support/status_matchers.h"

namespace vortex::policy {
namespace {

using ::testing::HasSubstr;
using vortex::testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(UnitsTest, BytesInEverySuffix) {
  const std::pair<const char*, std::int64_t> cases[] = {{"0", 0},
                                                        {"1048576", 1 << 20},
                                                        {"7b", 7},
                                                        {"64k", 64 << 10},
                                                        {"64K", 64 << 10},
                                                        {"64KiB", 64 << 10},
                                                        {"64m", 64 << 20},
                                                        {"64M", 64 << 20},
                                                        {"64MiB", 64 << 20},
                                                        {"1g", 1 << 30},
                                                        {"1G", 1 << 30},
                                                        {"1GiB", 1 << 30},
                                                        {"1048576g", std::int64_t{1} << 50}};
  for (const auto& [text, bytes] : cases) {
    const auto parsed = ParseBytes(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, bytes) << text;
  }
}

TEST(UnitsTest, BytesRefusesWhatIsNotASize) {
  for (const char* text :
       {"",    "m",  "64q",  "64 m", " 64m",  "64m ",  "-1", "+1",    "1.5m", "1e6", "0x10",
        "010", "00", "64mb", "64MB", "64mib", "1_000", "٣m", "64m\n", "1.",   "."}) {
    EXPECT_THAT(ParseBytes(text),
                StatusIs(kInvalid, HasSubstr("is not a size; write a whole number "
                                             "with b, k, m or g, for example 64m")))
        << text;
  }
}

TEST(UnitsTest, TooLargeIsToldApartFromNotANumber) {
  EXPECT_THAT(
      ParseBytes("1048577g"),
      StatusIs(kInvalid, "\"1048577g\" is too large; the most that can be written is 1048576g"));
  EXPECT_THAT(ParseBytes("99999999999999999999"), StatusIs(kInvalid, HasSubstr("is too large")));
  EXPECT_THAT(ParseBytes("9223372036854775807g"), StatusIs(kInvalid, HasSubstr("is too large")));
  EXPECT_THAT(ParseDuration("25h"),
              StatusIs(kInvalid, "\"25h\" is too large; the most that can be written is 24h"));
  EXPECT_THAT(
      ParseCpus("1024.001"),
      StatusIs(kInvalid, "\"1024.001\" is too large; the most that can be written is 1024"));
  EXPECT_THAT(ParseCount("9223372036854775808"), StatusIs(kInvalid, HasSubstr("is too large")));
}

TEST(UnitsTest, Durations) {
  const std::pair<const char*, int> cases[] = {
      {"0ms", 0},        {"500ms", 500}, {"2s", 2000},     {"1.5s", 1500},      {"1m", 60'000},
      {"1h", 3'600'000}, {"0.001s", 1},  {"0.5m", 30'000}, {"24h", 86'400'000}, {"0.25h", 900'000}};
  for (const auto& [text, millis] : cases) {
    const auto parsed = ParseDuration(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->count(), millis) << text;
  }
  for (const char* text : {"", "2", "s", "2 s", "-2s", "2S", "2sec", "0.0001s", "1.5ms", "1.s",
                           ".5s", "1h30m", "1:30", "02s", "1.2.3s", "0.1234567890s"}) {
    EXPECT_THAT(ParseDuration(text),
                StatusIs(kInvalid, HasSubstr("is not a duration; write a number "
                                             "with ms, s, m or h")))
        << text;
  }
}

TEST(UnitsTest, Cpus) {
  const std::pair<const char*, int> cases[] = {{"0", 0},     {"1", 1000},        {"0.5", 500},
                                               {"0.05", 50}, {"0.001", 1},       {"2.250", 2250},
                                               {"8", 8000},  {"1024", 1'024'000}};
  for (const auto& [text, millicpus] : cases) {
    const auto parsed = ParseCpus(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, millicpus) << text;
  }
  for (const char* text :
       {"", ".5", "0.0005", "1.", "half", "500m", "-1", "1e3", "01", "inf", "nan"}) {
    EXPECT_THAT(ParseCpus(text), StatusIs(kInvalid, HasSubstr("is not a number of cpus"))) << text;
  }
}

TEST(UnitsTest, Counts) {
  EXPECT_EQ(*ParseCount("0"), 0);
  EXPECT_EQ(*ParseCount("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"", "-1", "1.0", "010", "1k", "0x1"}) {
    EXPECT_THAT(ParseCount(text), StatusIs(kInvalid, HasSubstr("is not a whole number"))) << text;
  }
}

TEST(UnitsTest, FormatIsShortAndExact) {
  EXPECT_EQ(FormatBytes(0), "0");
  EXPECT_EQ(FormatBytes(64 << 20), "64m");
  EXPECT_EQ(FormatBytes((64 << 20) + 1), "67108865");
  EXPECT_EQ(FormatBytes(std::int64_t{4} << 30), "4g");
  EXPECT_EQ(FormatDuration(std::chrono::milliseconds(1500)), "1500ms");
  EXPECT_EQ(FormatDuration(std::chrono::minutes(90)), "90m");
  EXPECT_EQ(FormatDuration(std::chrono::milliseconds(0)), "0ms");
  EXPECT_EQ(FormatCpus(500), "0.5");
  EXPECT_EQ(FormatCpus(1000), "1");
  EXPECT_EQ(FormatCpus(10), "0.01");
  EXPECT_EQ(FormatCpus(0), "0");
}

// Whatever is formatted reads back as itself: values of every magnitude, and those next to a unit.
TEST(UnitsTest, FormatThenParseIsTheIdentity) {
  std::mt19937_64 random(20241124);  // fixed: a failure must come again
  const auto up_to = [&](std::int64_t most) {
    const std::uint64_t value = random() >> (random() % 60);
    return static_cast<std::int64_t>(value % static_cast<std::uint64_t>(most + 1));
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t shift = std::int64_t{1} << (10 * (random() % 4));
    const std::int64_t bytes = up_to((std::int64_t{1} << 50) / shift) * shift;
    ASSERT_EQ(*ParseBytes(FormatBytes(bytes)), bytes);
    const std::chrono::milliseconds duration(up_to(86'400'000));
    ASSERT_EQ(*ParseDuration(FormatDuration(duration)), duration);
    const std::int64_t millicpus = up_to(1'024'000);
    ASSERT_EQ(*ParseCpus(FormatCpus(millicpus)), millicpus);
  }
}

// Any short text over the alphabet of numbers either is refused or means the number that it shows.
TEST(UnitsTest, WhatParsesFormatsToSomethingThatParsesTheSame) {
  constexpr std::string_view kAlphabet = "0123456789.bkmgKMGiBsh -+ex_";
  std::mt19937_64 random(7);
  int parsed_count = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string text;
    for (std::size_t n = random() % 6; n > 0; --n) text += kAlphabet[random() % kAlphabet.size()];
    if (const auto bytes = ParseBytes(text); bytes.ok()) {
      ++parsed_count;
      ASSERT_GE(*bytes, 0) << text;
      ASSERT_EQ(*ParseBytes(FormatBytes(*bytes)), *bytes) << text;
    }
    if (const auto duration = ParseDuration(text); duration.ok()) {
      ASSERT_EQ(*ParseDuration(FormatDuration(*duration)), *duration) << text;
    }
    if (const auto cpus = ParseCpus(text); cpus.ok()) {
      ASSERT_EQ(*ParseCpus(FormatCpus(*cpus)), *cpus) << text;
    }
  }
  EXPECT_GT(parsed_count, 1000);
}

}  // namespace
}  // namespace vortex::policy
