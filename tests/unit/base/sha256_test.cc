// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.h"

#include <gtest/gtest.h>

namespace vortex::base {
namespace {

// FIPS 180-4's examples.
TEST(Sha256Test, KnownAnswers) {
  EXPECT_EQ(Sha256::Digest(""),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256::Digest("abc"),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256::Digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256::Digest(std::string(1'000'000, 'a')),
            "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PiecesDoNotMatter) {
  const std::string text(300, 'x');
  const std::string whole = Sha256::Digest(text);
  for (std::size_t piece = 1; piece < 130; ++piece) {
    Sha256 sha;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      sha.Update(std::string_view(text).substr(at, piece));
    }
    EXPECT_EQ(sha.FinishDigest(), whole) << piece;
  }
}

TEST(Sha256Test, MovedInTheMiddle) {
  Sha256 first;
  first.Update("a");
  Sha256 second = std::move(first);
  second.Update("bc");
  EXPECT_EQ(second.FinishDigest(), Sha256::Digest("abc"));
}

TEST(Sha256Test, WhatIsADigest) {
  EXPECT_TRUE(IsSha256Digest(Sha256::Digest("")));
  EXPECT_FALSE(IsSha256Digest(""));
  EXPECT_FALSE(IsSha256Digest("sha256:"));
  EXPECT_FALSE(IsSha256Digest("sha256:" + std::string(63, '0')));
  EXPECT_FALSE(IsSha256Digest("sha256:" + std::string(65, '0')));
  EXPECT_FALSE(IsSha256Digest("sha256:" + std::string(64, 'A')));
  EXPECT_FALSE(IsSha256Digest("sha256:" + std::string(64, 'g')));
  EXPECT_FALSE(IsSha256Digest("sha512:" + std::string(64, '0')));
  EXPECT_FALSE(IsSha256Digest("sha256:../" + std::string(61, '0')));
}

TEST(Sha256Test, Hex) {
  const std::uint8_t bytes[] = {0x00, 0x0f, 0xa0, 0xff};
  EXPECT_EQ(HexLower(bytes, sizeof bytes), "000fa0ff");
  EXPECT_EQ(HexLower(bytes, 0), "");
}

}  // namespace
}  // namespace vortex::base
