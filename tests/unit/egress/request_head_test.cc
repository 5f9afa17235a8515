// SPDX-License-Identifier: Apache-2.0
#include "egress/request_head.h"

#include <gmock/gmock.h>

#include "egress/host_name.h"

namespace vortex::egress {
namespace {

std::string RuleOf(const std::string& head) {
  const HeadResult result = ParseHead(head);
  return result.problem ? result.problem->rule : "";
}

TEST(RequestHeadTest, Get) {
  const HeadResult result =
      ParseHead("GET HTTP://A.example:8080?q=1 HTTP/1.1\r\nHost: a.example:8080\r\n\r\n");
  ASSERT_FALSE(result.problem) << result.problem->detail;
  EXPECT_FALSE(result.head.connect);
  EXPECT_EQ(result.head.host, "A.example");
  EXPECT_EQ(result.head.port, 8080);
  EXPECT_EQ(result.head.origin_target, "/?q=1");
}

TEST(RequestHeadTest, Connect) {
  const HeadResult result = ParseHead("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n");
  ASSERT_FALSE(result.problem) << result.problem->detail;
  EXPECT_TRUE(result.head.connect);
  EXPECT_EQ(result.head.port, 443);
}

TEST(RequestHeadTest, KnowsHostAndPortOfARefusedOne) {
  const HeadResult result = ParseHead("GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n");
  EXPECT_EQ(result.problem->rule, "egress.request.target");
  EXPECT_EQ(result.head.host, "a.example");
}

TEST(RequestHeadTest, Framing) {
  const auto post = [](const std::string& fields) {
    return RuleOf("POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n");
  };
  EXPECT_EQ(post("Content-Length: 5\r\n"), "");
  EXPECT_EQ(post("Transfer-Encoding: Chunked\r\n"), "");
  for (const char* fields :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5, 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    EXPECT_EQ(post(fields), "egress.request.framing") << fields;
  }
}

TEST(RequestHeadTest, EveryPrefixOfAGoodOneIsFineAsBytes) {
  const std::string head = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX: \tb c\r\n\r\n";
  for (std::size_t size = 0; size <= head.size(); ++size) {
    EXPECT_FALSE(CheckRawHead(head.substr(0, size))) << size;
    if (size == head.size()) break;
    EXPECT_NE(RuleOf(head.substr(0, size)), "") << size;
  }
}

TEST(RequestHeadTest, OneByteChangedNeverChangesTheHostUnseen) {
  const std::string head = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
  for (std::size_t at = 0; at < head.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = head;
      changed[at] = static_cast<char>(byte);
      const HeadResult result = ParseHead(changed);
      if (result.problem) continue;
      EXPECT_EQ(NormalizeHost(result.head.host), "a.example") << changed;
    }
  }
}

}  // namespace
}  // namespace vortex::egress
