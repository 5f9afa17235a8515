// SPDX-License-Identifier: Apache-2.0
#include "audit/line.h"

#include <gmock/gmock.h>

#include "audit/head.h"

namespace vortex::audit {
namespace {

TEST(Line, IsReadBackAsItWasMade) {
  const WallTime time(std::chrono::nanoseconds(1'764'000'000'000'000'001));
  const std::string line = MakeLine(7, kNoHash, time, {"start", R"("a":1)"});
  EXPECT_EQ(line, R"({"schema_version":1,"seq":7,"prev":")" + std::string(kNoHash) +
                      R"(","time":"2025-11-24T16:00:00.000000001Z","type":"start","a":1})");
  const auto head = ParseLineHead(line);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->seq, 7u);
  EXPECT_EQ(head->prev, kNoHash);
  EXPECT_EQ(head->type, "start");
}

TEST(Line, TextsThatAreNotLinesAreRefused) {
  for (const char* text : {"", "{}", R"({"schema_version":2,"seq":1,"prev":"")",
                           R"({"schema_version":1,"seq":0,"prev":"","time":"","type":"x"})",
                           R"({"schema_version":1,"seq":-1,"prev":"","time":"","type":"x"})",
                           R"({"schema_version":1,"seq":1,"prev":"ab","time":"","type":"x"})",
                           R"({"schema_version":1,"seq":1)"}) {
    EXPECT_FALSE(ParseLineHead(text)) << text;
  }
}

TEST(Line, UntrustedTextIsBoundedAndPrintable) {
  EXPECT_EQ(JsonText("a\nb\x1b[0m\"\\"), R"("a\nb\u001b[0m\"\\")");
  EXPECT_EQ(JsonText("ü\xff"), "\"\\u00fc\\ufffd\"");
  EXPECT_EQ(Bounded("abcdef", 3), "abc…");
  EXPECT_EQ(Bounded("abü", 3), "ab…") << "half a character was kept";
  EXPECT_EQ(Bounded("abc", 3), "abc");
}

TEST(HeadFile, IsReadBackAsItWasWritten) {
  Head head{"0123", 42, std::string(kNoHash), 3, 40, 999, 1, 2, 5, true};
  const std::string bytes = EncodeHead(head);
  EXPECT_EQ(bytes.size(), kHeadBytes);
  EXPECT_EQ(DecodeHead(bytes), head);
  // The largest numbers fit.
  head = {std::string(32, 'f'),
          UINT64_MAX,
          std::string(kNoHash),
          UINT64_MAX,
          UINT64_MAX,
          UINT64_MAX,
          INT64_MIN,
          INT64_MIN,
          UINT64_MAX,
          false};
  EXPECT_EQ(DecodeHead(EncodeHead(head)), head);
  EXPECT_FALSE(DecodeHead(""));
  EXPECT_FALSE(DecodeHead(std::string(kHeadBytes, ' ')));
  EXPECT_FALSE(DecodeHead(R"({"version":"1"})" + std::string(kHeadBytes - 15, ' ')));
}

TEST(SegmentNames, SortAsTheirSequences) {
  EXPECT_LT(SegmentName(1, 9), SegmentName(10, 11));
  const auto range = ParseSegmentName(SegmentName(10, 11));
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first_seq, 10u);
  EXPECT_EQ(range->last_seq, 11u);
  for (const char* name :
       {"active.jsonl", "1-2.jsonl", "00000000000000000002-00000000000000000001.jsonl",
        "0000000000000000000x-00000000000000000001.jsonl"}) {
    EXPECT_FALSE(ParseSegmentName(name)) << name;
  }
}

}  // namespace
}  // namespace vortex::audit
