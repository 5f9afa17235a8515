// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc_frame.h"

#include <gtest/gtest.h>

namespace vortex::shim {
namespace {

TEST(TtrpcFrameTest, TheBytesOnTheWire) {
  EXPECT_EQ(EncodeFrame(0x01020305, kResponseFrame, "ab"),
            std::string("\0\0\0\2\1\2\3\5\2\0ab", 12));
  // An empty answer is a header alone.
  EXPECT_EQ(EncodeFrame(1, kResponseFrame, "").size(), 10U);
}

TEST(TtrpcFrameTest, CutsFramesFedByteByByte) {
  const std::string bytes = EncodeFrame(1, kRequestFrame, "first") + EncodeFrame(3, kDataFrame, "");
  FrameDecoder decoder;
  std::vector<Frame> frames;
  for (const char c : bytes) {
    decoder.Feed(std::string_view(&c, 1));
    Frame frame;
    while (decoder.Next(&frame)) frames.push_back(frame);
  }
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].payload, "first");
  EXPECT_EQ(frames[1].stream, 3U);
  EXPECT_EQ(frames[1].type, kDataFrame);
  EXPECT_EQ(decoder.buffered(), 0U);
}

TEST(TtrpcFrameTest, AnOversizedPayloadIsDrainedToTheByte) {
  std::string header("\0\0\0\0\0\0\0\5\1\0", 10);
  const std::uint32_t length = kMaxPayload + 1;
  for (int i = 0; i < 4; ++i)
    header[static_cast<std::size_t>(i)] = static_cast<char>(length >> (24 - 8 * i));
  FrameDecoder decoder;
  decoder.Feed(header);
  Frame frame;
  ASSERT_TRUE(decoder.Next(&frame));
  EXPECT_TRUE(frame.oversized);
  const std::string chunk(1 << 20, 'x');
  for (int i = 0; i < 4; ++i) {
    decoder.Feed(chunk);
    EXPECT_FALSE(decoder.Next(&frame));
    EXPECT_EQ(decoder.buffered(), 0U);  // nothing is kept
  }
  decoder.Feed("x" + EncodeFrame(7, kRequestFrame, "next"));
  ASSERT_TRUE(decoder.Next(&frame));
  EXPECT_EQ(frame.payload, "next");
  EXPECT_FALSE(frame.oversized);
}

}  // namespace
}  // namespace vortex::shim
