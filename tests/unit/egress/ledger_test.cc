// SPDX-License-Identifier: Apache-2.0
#include "egress/ledger.h"

#include <gmock/gmock.h>

#include "egress/refusal.h"

namespace vortex::egress {
namespace {

class LedgerTest : public ::testing::Test {
 protected:
  std::int64_t now_ = 100;
  std::vector<DenialRecord> told_;
  Ledger ledger_{[this](const DenialRecord& denial) { told_.push_back(denial); },
                 [this] { return now_; }};
};

TEST_F(LedgerTest, CountsEqualDenials) {
  ledger_.Deny("connect", "a:1", "egress.host", "");
  now_ = 200;
  ledger_.Deny("connect", "a:1", "egress.host", "");
  ASSERT_EQ(ledger_.Report().denials.size(), 1u);
  const DenialRecord record = ledger_.Report().denials[0];
  EXPECT_EQ(record.count, 2u);
  EXPECT_EQ(record.first_unix_ns, 100);
  EXPECT_EQ(record.last_unix_ns, 200);
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(LedgerTest, BoundsWhatIsToldApart) {
  for (int i = 0; i < 1000; ++i) {
    ledger_.Deny("connect", "n" + std::to_string(i), "egress.host", "");
  }
  ledger_.Deny("connect", "x", "egress.port", "");
  const ProxyReport report = ledger_.Report();
  EXPECT_EQ(report.denials.size(), Ledger::kMaxDistinct + 2);
  std::uint64_t total = 0;
  for (const DenialRecord& denial : report.denials) total += denial.count;
  EXPECT_EQ(total, 1001u);
}

TEST_F(LedgerTest, MakesTargetsPrintableAndShort) {
  ledger_.Deny("connect", "a\x1b[31m\xff", "egress.host", "");
  ledger_.Deny("connect", std::string(5000, 'a'), "egress.host", "");
  EXPECT_EQ(told_[0].target, "a?[31m?");
  EXPECT_LT(told_[1].target.size(), 320u);
  EXPECT_LT(DenialMessage(told_[1]).size(), kMaxMessage);
}

TEST_F(LedgerTest, BoundsHosts) {
  for (int i = 0; i < 1000; ++i) ++ledger_.Host("n" + std::to_string(i), 443).connections;
  EXPECT_EQ(ledger_.Report().hosts.size(), Ledger::kMaxDistinct + 1);
  EXPECT_EQ(ledger_.Host("another", 1).host, "(others)");
}

TEST(ReportTest, SurvivesTheWay) {
  ProxyReport report;
  EXPECT_TRUE(TakeMessage(ReadyMessage(), report).ok());
  EXPECT_TRUE(
      TakeMessage(DenialMessage({"connect", "a:1", "egress.host", "x", 1, 5, 5}), report).ok());
  EXPECT_TRUE(
      TakeMessage(DenialMessage({"connect", "a:1", "egress.host", "x", 7, 5, 9}), report).ok());
  EXPECT_TRUE(TakeMessage(HostMessage({"b", 443, 1, 2, 3, 4}), report).ok());
  EXPECT_FALSE(report.complete);
  EXPECT_TRUE(TakeMessage(EndMessage(12), report).ok());
  EXPECT_TRUE(report.ready && report.complete);
  ASSERT_EQ(report.denials.size(), 1u);
  EXPECT_EQ(report.denials[0].count, 7u);
  EXPECT_EQ(report.hosts[0].bytes_in, 4u);
  EXPECT_EQ(report.connections, 12u);
}

TEST(ReportTest, RefusesWhatIsNoRecord) {
  ProxyReport report;
  for (const char* text : {"", "{}", "[]", "{\"event\":\"other\"}", "{\"event\":\"denial\"}",
                           "{\"event\":\"end\",\"connections\":\"x\"}"}) {
    EXPECT_FALSE(TakeMessage(text, report).ok()) << text;
  }
}

TEST(RefusalTest, IsJsonWhateverTheHostIs) {
  Refused refused{403, "egress.host", "no", "a\"\r\n\xff", 80, ""};
  const std::string text = RefusalResponse(refused);
  EXPECT_THAT(text, ::testing::StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_THAT(text, ::testing::HasSubstr(R"("host":"a\"\r\n\ufffd")"));
}

}  // namespace
}  // namespace vortex::egress
