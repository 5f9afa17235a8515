// SPDX-License-Identifier: Apache-2.0
#include "policy/yaml_guard.h"

#include <gmock/gmock.h>

#include "support/status_matchers.h"

namespace vortex::policy {
namespace {

using ::testing::HasSubstr;
using vortex::testing::IsOk;
using vortex::testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

absl::Status Check(const std::string& text) { return CheckBeforeParsing(text, "f.yaml", 4096); }

std::string Repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(YamlGuardTest, SizeIsBounded) {
  EXPECT_THAT(Check(std::string(4096, 'a')), IsOk());
  EXPECT_THAT(Check(std::string(4097, 'a')),
              StatusIs(kInvalid, "f.yaml: 4097 bytes is more than the limit of 4096"));
}

TEST(YamlGuardTest, BadCharactersHaveALineAndAColumn) {
  EXPECT_THAT(Check("a: 1\r\nb: 2\tc\n"), IsOk());
  EXPECT_THAT(Check("a: 1\nb: \x1b[2J\n"),
              StatusIs(kInvalid, "f.yaml:2:4: holds the control character U+001B; remove it"));
  EXPECT_THAT(Check("a: \xff\n"), StatusIs(kInvalid, HasSubstr("f.yaml:1:4: holds the byte 0xff")));
  EXPECT_THAT(Check(std::string("a\0b", 3)), StatusIs(kInvalid, HasSubstr("U+0000")));
  EXPECT_THAT(Check("# user\u202e\n"),
              StatusIs(kInvalid, HasSubstr("f.yaml:1:7: holds the control")));
}

TEST(YamlGuardTest, BlockNestingIsBounded) {
  std::string text;
  for (int depth = 0; depth < 17; ++depth) {
    if (depth == 16) {
      EXPECT_THAT(Check(text), IsOk());
    }
    text += std::string(static_cast<std::size_t>(depth), ' ') + "a:\n";
  }
  EXPECT_THAT(Check(text), StatusIs(kInvalid, "f.yaml:17:1: nested deeper than 16 levels"));
  EXPECT_THAT(Check(Repeat("- ", 17) + "x"), StatusIs(kInvalid, HasSubstr("nested deeper")));
  EXPECT_THAT(Check(Repeat("? ", 17) + "x"), StatusIs(kInvalid, HasSubstr("nested deeper")));
  // Wide is not deep, and rulers are not lists.
  EXPECT_THAT(Check(Repeat("a:\n  b: 1\n", 200)), IsOk());
  EXPECT_THAT(Check("# " + std::string(70, '-') + "\na: 1\n" + std::string(70, '-') + "\n"),
              IsOk());
}

TEST(YamlGuardTest, BracketsAreBoundedAsSuch) {
  EXPECT_THAT(Check("a: \"" + std::string(256, '[') + "\""), IsOk());
  EXPECT_THAT(Check("a:\n " + std::string(257, '{')),
              StatusIs(kInvalid, "f.yaml:2:258: more than 256 opening brackets in the file"));
}

TEST(YamlGuardTest, WordsThatOtherReadersTakeForSomethingElse) {
  for (const char* scalar :
       {"",          "~",      "null", "NULL",  "no",   "No",         "NO",
        "yes",       "y",      "N",    "on",    "Off",  "true",       "FALSE",
        "1",         "-1",     "+1",   "0x1f",  "0o17", "017",        "0b101",
        "1_000",     "1.0",    "1.",   ".5",    "1e3",  "1.5E-3",     "1:30",
        "190:20:30", "1:30.5", ".inf", "-.INF", ".nan", "2024-01-01", "2024-01-01T10:00:00Z",
        "=",         "<<"}) {
    EXPECT_FALSE(IsTextToEveryReader(scalar)) << scalar;
  }
  for (const char* scalar : {"word-count", "north", "1.0.0", "nothing", "a1", "1-a", "x:30", "-n",
                             "--no", "api.example.com", "10.0.0.1", "1k", "0xyz", "12h", "e3",
                             "null-device", "_1", "nvidia.com/gpu=0"}) {
    EXPECT_TRUE(IsTextToEveryReader(scalar)) << scalar;
  }
  // Far too long for a number; std::regex must not be asked.
  EXPECT_TRUE(IsTextToEveryReader(std::string(100'000, 'x')));
}

}  // namespace
}  // namespace vortex::policy
