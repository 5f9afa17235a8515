// SPDX-License-Identifier: Apache-2.0
// Every way to change a log, and the place that verify names for it.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "unit/audit/log_fixture.h"

namespace vortex::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Tamper : public LogTest {
 protected:
  // One segment: log_open, then lines 2 to 11.
  void OneSegment() { WriteLines(10); }
  // About ten lines a segment.
  void ManySegments() {
    options_.segment_bytes = 2000;
    WriteLines(60);
    ASSERT_GT(Sealed().size(), 4u);
    ASSERT_THAT(Findings(Verify()), IsEmpty());
  }
};

TEST_F(Tamper, AWholeLogIsIntact) {
  OneSegment();
  const audit::Verified verified = Verify({.expect_head = {}, .from_start = true});
  EXPECT_THAT(Findings(verified), IsEmpty());
  EXPECT_TRUE(verified.intact());
  EXPECT_EQ(verified.lines, 11u);
  EXPECT_EQ(verified.head, audit::DecodeHead(Read("head.json"))->hash);
}

TEST_F(Tamper, EveryEditedByteIsFoundAtItsLine) {
  OneSegment();
  const std::vector<std::string> lines = Lines("active.jsonl");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::vector<std::string> edited = lines;
    // The last digit of the number, or of the log's segment.
    edited[i][edited[i].size() - 2] ^= 1;
    Overwrite("active.jsonl", edited);
    EXPECT_THAT(Findings(Verify()),
                ElementsAre("problem edited active.jsonl:" + std::to_string(i + 1)));
  }
}

TEST_F(Tamper, ALineThatIsNoneIsFoundOnce) {
  OneSegment();
  std::vector<std::string> lines = Lines("active.jsonl");
  lines[4] = "{}";
  Overwrite("active.jsonl", lines);
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem malformed active.jsonl:5"));
}

TEST_F(Tamper, ADeletedLineIsFound) {
  OneSegment();
  std::vector<std::string> lines = Lines("active.jsonl");
  lines.erase(lines.begin() + 4, lines.begin() + 6);
  Overwrite("active.jsonl", lines);
  const audit::Verified verified = Verify();
  EXPECT_THAT(Findings(verified), ElementsAre("problem deleted active.jsonl:5"));
  EXPECT_THAT(verified.findings[0].detail, ::testing::HasSubstr("sequence 5 to 6 (2 lines)"));
}

TEST_F(Tamper, ReorderedLinesAreFound) {
  OneSegment();
  std::vector<std::string> lines = Lines("active.jsonl");
  std::swap(lines[3], lines[4]);
  Overwrite("active.jsonl", lines);
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem reordered active.jsonl:5"));
}

TEST_F(Tamper, ARepeatedLineIsFound) {
  OneSegment();
  std::vector<std::string> lines = Lines("active.jsonl");
  lines.insert(lines.begin() + 5, lines[4]);
  Overwrite("active.jsonl", lines);
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem inserted active.jsonl:6"));
}

TEST_F(Tamper, ACutTailIsFoundByTheHead) {
  OneSegment();
  std::vector<std::string> lines = Lines("active.jsonl");
  lines.resize(8);
  Overwrite("active.jsonl", lines);
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem truncated active.jsonl:8"));
}

TEST_F(Tamper, ACutTailStaysFoundWhenTheLogGoesOn) {
  OneSegment();
  std::vector<std::string> lines = Lines("active.jsonl");
  lines.resize(8);
  Overwrite("active.jsonl", lines);
  WriteLines(3, 100);
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem deleted active.jsonl:9"));
  EXPECT_THAT(Lines("active.jsonl")[8], ::testing::HasSubstr("segment_truncated"));
}

TEST_F(Tamper, ACutTailWithARolledBackHeadIsFoundByAnAnchorOnly) {
  WriteLines(5);
  const std::string old_head = Read("head.json");
  const std::vector<std::string> old_lines = Lines("active.jsonl");
  WriteLines(5);
  const std::string anchor = audit::DecodeHead(Read("head.json"))->hash;
  EXPECT_TRUE(Verify({.expect_head = anchor, .from_start = true}).intact());
  Overwrite("active.jsonl", old_lines);
  std::ofstream(Path("head.json"), std::ios::trunc) << old_head;
  EXPECT_TRUE(Verify().intact());
  EXPECT_THAT(Findings(Verify({.expect_head = anchor, .from_start = true})),
              ElementsAre("problem anchor_missing :0"));
}

TEST_F(Tamper, AMissingHeadIsFound) {
  OneSegment();
  std::filesystem::remove(Path("head.json"));
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem head_missing head.json:0"));
  // The next writer goes on with the chain, and says what it has seen.
  WriteLines(1, 100);
  EXPECT_THAT(Findings(Verify()), IsEmpty());
  EXPECT_THAT(Read("active.jsonl"), ::testing::HasSubstr("head_missing"));
}

TEST_F(Tamper, AMissingSegmentInTheMiddleIsFound) {
  ManySegments();
  const std::vector<std::string> sealed = Sealed();
  std::filesystem::remove(Path(sealed[2]));
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem segment_missing " + sealed[3] + ":1"));
}

TEST_F(Tamper, MissingOldestSegmentsAreANoticeOrAProblem) {
  ManySegments();
  const std::vector<std::string> sealed = Sealed();
  std::filesystem::remove(Path(sealed[0]));
  EXPECT_THAT(Findings(Verify()), ElementsAre("notice oldest_missing " + sealed[1] + ":1"));
  EXPECT_THAT(Findings(Verify({.expect_head = {}, .from_start = true})),
              ElementsAre("problem oldest_missing " + sealed[1] + ":1"));
}

TEST_F(Tamper, ACutSealedSegmentIsFound) {
  ManySegments();
  const std::vector<std::string> sealed = Sealed();
  std::vector<std::string> lines = Lines(sealed[1]);
  lines.pop_back();
  Overwrite(sealed[1], lines);
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem deleted " + sealed[1] + ":0",
                                              "problem segment_missing " + sealed[2] + ":1"));
}

TEST_F(Tamper, SegmentsThatChangedNamesAreFound) {
  ManySegments();
  const std::vector<std::string> sealed = Sealed();
  std::filesystem::rename(Path(sealed[1]), Path("x"));
  std::filesystem::rename(Path(sealed[2]), Path(sealed[1]));
  std::filesystem::rename(Path("x"), Path(sealed[2]));
  EXPECT_FALSE(Verify().intact());
  EXPECT_THAT(Findings(Verify()), Contains("problem deleted " + sealed[1] + ":0"));
}

TEST_F(Tamper, ForgedLinesBehindTheHeadAreFound) {
  OneSegment();
  std::ofstream(Path("active.jsonl"), std::ios::app) << Lines("active.jsonl")[5] << "\n";
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem inserted active.jsonl:12"));
  WriteLines(1, 100);
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem inserted active.jsonl:12"));
}

TEST_F(Tamper, ATornTailIsNotTampering) {
  OneSegment();
  std::ofstream(Path("active.jsonl"), std::ios::app) << R"({"schema_version":1,"seq":12,"pr)";
  EXPECT_THAT(Findings(Verify()), ElementsAre("notice torn active.jsonl:12"));
  WriteLines(2, 100);
  EXPECT_THAT(Findings(Verify()), ElementsAre("notice torn_closed active.jsonl:12"));
  EXPECT_TRUE(Verify().intact());
  // What was closed off cannot be changed any more.
  std::vector<std::string> lines = Lines("active.jsonl");
  lines[11] += "x";
  Overwrite("active.jsonl", lines);
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem malformed active.jsonl:12"));
}

TEST_F(Tamper, LinesBeforeTheHeadCouldCountThemAreAdopted) {
  OneSegment();
  const std::string old_head = Read("head.json");
  WriteLines(2, 100);
  std::ofstream(Path("head.json"), std::ios::trunc) << old_head;
  EXPECT_THAT(Findings(Verify()), ElementsAre("notice uncounted active.jsonl:13"));
  WriteLines(1, 200);
  // Told for good: nobody knows whether it was the writer that died.
  EXPECT_THAT(Lines("active.jsonl")[13],
              ::testing::HasSubstr(R"("reason":"uncounted_lines","first_seq":12,"last_seq":13)"));
  EXPECT_THAT(Findings(Verify()), ElementsAre("notice uncounted active.jsonl:14"));
}

TEST_F(Tamper, ACutFrontIsFound) {
  OneSegment();
  std::vector<std::string> lines = Lines("active.jsonl");
  lines.erase(lines.begin(), lines.begin() + 4);
  Overwrite("active.jsonl", lines);
  EXPECT_THAT(Findings(Verify()), ElementsAre("problem deleted active.jsonl:1",
                                              "notice oldest_missing active.jsonl:1"));
}

TEST_F(Tamper, WhatIsNoFileIsRefusedAtOnce) {
  OneSegment();
  std::filesystem::remove(Path("active.jsonl"));
  ASSERT_EQ(::mkfifo(Path("active.jsonl").c_str(), 0600), 0);
  EXPECT_THAT(std::string(audit::Verify(options_.directory, {}).status().message()),
              ::testing::HasSubstr("active.jsonl: not a regular file"));
}

TEST_F(Tamper, NoSuchDirectoryIsAnError) {
  EXPECT_THAT(audit::Verify(dir_ + "/none", {}),
              StatusIs(absl::StatusCode::kNotFound, ::testing::_));
}

}  // namespace
}  // namespace vortex::testing
