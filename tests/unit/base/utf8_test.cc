// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace vortex::base {
namespace {

// The encoding of one number, whether or not it may be encoded.
std::string Encode(unsigned c) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 0x3f)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0 | (c >> 6)), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xe0 | (c >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | (c >> 18)), tail(12), tail(6), tail(0)};
}

TEST(Utf8Test, EveryNumberUpToTwiceTheLast) {
  for (unsigned c = 0; c < 0x200000; ++c) {
    const bool scalar = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
    ASSERT_EQ(IsUtf8(Encode(c)), scalar) << c;
  }
}

TEST(Utf8Test, OverlongForms) {
  for (const char* text : {"\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf",
                           "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", "\xf8\x88\x80\x80\x80"}) {
    EXPECT_FALSE(IsUtf8(text));
  }
}

TEST(Utf8Test, CutAndMisplacedBytes) {
  for (const std::string whole : {"ä", "€", "😀"}) {
    EXPECT_TRUE(IsUtf8(whole + whole));
    for (std::size_t n = 1; n < whole.size(); ++n) {
      EXPECT_FALSE(IsUtf8(whole.substr(0, n)));
      EXPECT_FALSE(IsUtf8(whole.substr(0, n) + "a"));
      EXPECT_FALSE(IsUtf8(whole.substr(n)));
    }
  }
  EXPECT_FALSE(IsUtf8("a\x80"));
  EXPECT_FALSE(IsUtf8("\xff"));
}

TEST(Utf8Test, EmptyAndNul) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace vortex::base
