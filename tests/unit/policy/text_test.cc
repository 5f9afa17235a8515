// SPDX-License-Identifier: Apache-2.0
#include "policy/text.h"

#include <gmock/gmock.h>

namespace vortex::policy {
namespace {

using ::testing::HasSubstr;

TEST(FindBadCharacterTest, PlainTextOfAnyScriptIsFine) {
  EXPECT_FALSE(FindBadCharacter(""));
  EXPECT_FALSE(FindBadCharacter("word-count v1.0 [ok]"));
  EXPECT_FALSE(FindBadCharacter("Wörter zählen · 単語 · שלום · 👩‍💻"));
}

TEST(FindBadCharacterTest, NamesTheFirstOneAndWhere) {
  struct Case {
    std::string text;
    std::size_t offset;
    const char* what;
  };
  const Case cases[] = {
      {std::string("ab\0c", 4), 2, "U+0000"},
      {"\x1b[31m", 0, "U+001B"},
      {"a\x7f", 1, "U+007F"},
      {"ä\xc2\x9b", 2, "U+009B"},
      {"a\u2028", 1, "U+2028"},
      {"a\u202e", 1, "U+202E"},
      {"a\u2066", 1, "U+2066"},
      {"tab\t", 3, "U+0009"},
      {"a\xff", 1, "byte 0xff, which is not UTF-8"},
      {"\xc0\xaf", 0, "not UTF-8"},
      {"\xed\xa0\x80", 0, "not UTF-8"},
      {"ok\xe2\x82", 2, "not UTF-8"},
  };
  for (const Case& c : cases) {
    const auto bad = FindBadCharacter(c.text);
    ASSERT_TRUE(bad) << c.what;
    EXPECT_EQ(bad->offset, c.offset) << c.what;
    EXPECT_THAT(bad->what, HasSubstr(c.what));
  }
}

TEST(FindBadCharacterTest, AllowedOnesPass) {
  EXPECT_FALSE(FindBadCharacter("a\n\tb", "\n\t"));
  EXPECT_TRUE(FindBadCharacter("a\r\n", "\n\t"));
}

TEST(QuotedTest, ShowsWhatATerminalWouldActOn) {
  EXPECT_EQ(Quoted("64q"), "\"64q\"");
  EXPECT_EQ(Quoted("\x1b[31m\n"), "\"\\x1b[31m\\x0a\"");
  EXPECT_EQ(Quoted("a\xff\u202e"), "\"a\\xff\\xe2\\x80\\xae\"");
}

TEST(QuotedTest, CutsAtACharacterNotWithinOne) {
  EXPECT_EQ(Quoted(std::string(64, 'x')), "\"" + std::string(64, 'x') + "\"");
  EXPECT_EQ(Quoted(std::string(65, 'x')), "\"" + std::string(64, 'x') + "…\"");
  EXPECT_EQ(Quoted(std::string(63, 'x') + "ää"), "\"" + std::string(63, 'x') + "ä…\"");
}

}  // namespace
}  // namespace vortex::policy
