// SPDX-License-Identifier: Apache-2.0
#include "sandbox/plugin_records.h"

#include <gtest/gtest.h>

namespace vortex::sandbox {
namespace {

TEST(ResultRecordTest, TheValueKeepsItsText) {
  const auto record = ParseResultRecord(
      R"({"vortex":"result","token":"t","ok":true,"value":{"n":12345678901234567890123,"f":0.10}})");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->value, R"({"n":12345678901234567890123,"f":0.10})");
}

TEST(ResultRecordTest, AFailureKeepsErrnoAndFile) {
  const auto record = ParseResultRecord(
      R"({"vortex":"result","token":"t","ok":false,"error":{"kind":"exception","type":"PermissionError",)"
      R"("message":"m","errno":13,"filename":"/etc/shadow"}})");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->failure.errno_value, 13);
  EXPECT_EQ(record->failure.filename, "/etc/shadow");
}

TEST(ResultRecordTest, RefusesWhatIsNotARecord) {
  for (const char* bad :
       {"", "[]", "{", "{\"ok\":1}", "{\"ok\":true}", "{\"ok\":false}", R"({"ok":true,"value":})",
        R"({"ok":true,"value":1,"extra":2})", "{\"ok\":true,\"value\":\"\xff\"}"}) {
    EXPECT_FALSE(ParseResultRecord(bad).ok()) << bad;
  }
}

// A caller must not pay for what the plugin's own memory limit never saw.
TEST(ResultRecordTest, DepthAndValuesAreBounded) {
  const auto with = [](const std::string& value) {
    return ParseResultRecord(R"({"vortex":"result","token":"t","ok":true,"value":)" + value + "}");
  };
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_TRUE(with(nested(kMaxResultDepth)).ok());
  EXPECT_EQ(with(nested(kMaxResultDepth + 1)).status().message(),
            "result record: nested deeper than 200");
  EXPECT_EQ(with(std::string(16 << 20, '[')).status().message(),
            "result record: nested deeper than 200");
  std::string many = "[0";
  for (std::size_t i = 1; i < kMaxResultValues; ++i) many += ",0";
  EXPECT_EQ(with(many + "]").status().message(), "result record: more than 1000000 values in it");
  EXPECT_FALSE(
      ParseResultRecord(R"({"ok":false,"error":{"message":")" + std::string(2 << 20, 'x') + "\"}}")
          .ok());
}

TEST(InitRecordTest, HoldsExactlyOneEnd) {
  EXPECT_EQ(ParseInitRecord(R"({"code":3})")->code, 3);
  EXPECT_EQ(ParseInitRecord(R"({"signal":9,"maxrss_kib":1})")->signal, 9);
  EXPECT_EQ(ParseInitRecord(R"({"exec_errno":2})")->exec_errno, 2);
  for (const char* bad :
       {"{}", R"({"code":3,"signal":9})", R"({"code":300})", R"({"code":"3"})", "nonsense"}) {
    EXPECT_FALSE(ParseInitRecord(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace vortex::sandbox
