// SPDX-License-Identifier: Apache-2.0
#include "sandbox/record_scanner.h"

#include <gtest/gtest.h>

#include <string>

namespace vortex::sandbox {
namespace {

const std::string kToken(32, 'a');
const std::string kOther(32, 'b');

std::string Record(const std::string& kind, const std::string& token, const std::string& rest) {
  return "\x1e{\"vortex\":\"" + kind + "\",\"token\":\"" + token + "\"," + rest + "}\n";
}

struct Scan {
  explicit Scan(std::size_t limit = 4096)
      : scanner({{"result", kToken}, {"exit", kOther}}, limit,
                [this](std::string_view bytes) { output += bytes; }) {}
  std::string output;
  RecordScanner scanner;
};

TEST(RecordScannerTest, TakesRecordsOutAndLeavesOutputUntouched) {
  Scan scan;
  scan.scanner.Feed("before\n" + Record("result", kToken, "\"ok\":true,\"value\":1") + "between" +
                    Record("exit", kOther, "\"code\":0"));
  scan.scanner.Finish();
  EXPECT_EQ(scan.output, "before\nbetween");
  EXPECT_EQ(scan.scanner.record(0),
            "{\"vortex\":\"result\",\"token\":\"" + kToken + "\",\"ok\":true,\"value\":1}");
  EXPECT_FALSE(scan.scanner.record(1).empty());
}

// However the kernel cuts the stream, the outcome is the same.
TEST(RecordScannerTest, DoesNotDependOnHowTheStreamIsCut) {
  const std::string stream = std::string("a\x1e\x1e{\"vortex\":\"resu", 18) +
                             Record("result", kToken, "\"ok\":false") + "\x1e" +
                             std::string("b\0c", 3) + Record("exit", kOther, "\"signal\":9");
  Scan whole;
  whole.scanner.Feed(stream);
  whole.scanner.Finish();
  for (std::size_t step = 1; step < 40; ++step) {
    Scan cut;
    for (std::size_t i = 0; i < stream.size(); i += step) {
      cut.scanner.Feed(std::string_view(stream).substr(i, step));
    }
    cut.scanner.Finish();
    EXPECT_EQ(cut.output, whole.output) << "step " << step;
    EXPECT_EQ(cut.scanner.record(0), whole.scanner.record(0)) << "step " << step;
    EXPECT_EQ(cut.scanner.record(1), whole.scanner.record(1)) << "step " << step;
  }
}

TEST(RecordScannerTest, ARecordWithoutTheTokenIsOutput) {
  Scan scan;
  const std::string forged = Record("result", kOther, "\"ok\":true,\"value\":\"forged\"");
  scan.scanner.Feed(forged);
  scan.scanner.Finish();
  EXPECT_EQ(scan.output, forged);
  EXPECT_TRUE(scan.scanner.record(0).empty());
}

TEST(RecordScannerTest, ARecordInsideAnUnfinishedOneIsFound) {
  Scan scan;
  const std::string open = "\x1e{\"vortex\":\"result\",\"token\":\"" + kToken + "\",\"ok\":";
  scan.scanner.Feed(open + Record("exit", kOther, "\"code\":0"));
  scan.scanner.Finish();
  EXPECT_EQ(scan.output, open);
  EXPECT_FALSE(scan.scanner.record(1).empty());
}

TEST(RecordScannerTest, TheNewestRecordOfAKindCounts) {
  Scan scan;
  scan.scanner.Feed(Record("result", kToken, "\"ok\":true,\"value\":1") +
                    Record("result", kToken, "\"ok\":true,\"value\":2"));
  EXPECT_NE(scan.scanner.record(0).find("\"value\":2"), std::string::npos);
}

TEST(RecordScannerTest, AnUnfinishedRecordAtTheEndIsOutput) {
  Scan scan;
  const std::string open = "\x1e{\"vortex\":\"result\",\"token\":\"" + kToken + "\",\"ok\":true";
  scan.scanner.Feed(open);
  EXPECT_EQ(scan.output, "");
  scan.scanner.Finish();
  EXPECT_EQ(scan.output, open);
}

TEST(RecordScannerTest, MemoryIsBoundedByTheRecordLimit) {
  Scan scan(200);
  const std::string huge =
      Record("result", kToken, "\"ok\":true,\"value\":\"" + std::string(1000, 'x') + "\"");
  scan.scanner.Feed(huge);
  scan.scanner.Finish();
  EXPECT_TRUE(scan.scanner.oversized());
  EXPECT_EQ(scan.output, huge);
  EXPECT_TRUE(scan.scanner.record(0).empty());
}

}  // namespace
}  // namespace vortex::sandbox
