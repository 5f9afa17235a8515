// SPDX-License-Identifier: Apache-2.0
#include "egress/client_hello.h"

#include <gmock/gmock.h>

namespace vortex::egress {
namespace {

using State = ClientHello::State;

std::string Sized(std::size_t length_size, const std::string& bytes) {
  std::string out;
  for (std::size_t i = length_size; i-- > 0;) {
    out += static_cast<char>(bytes.size() >> (8 * i) & 0xff);
  }
  return out + bytes;
}

std::string WithType(unsigned type, const std::string& content) {
  const std::string number = {static_cast<char>(type >> 8), static_cast<char>(type & 0xff)};
  return number + Sized(2, content);
}

std::string ServerName(const std::string& name) {
  return WithType(0, Sized(2, std::string(1, '\0') + Sized(2, name)));
}

std::string Body(const std::string& extensions) {
  return std::string("\x03\x03", 2) + std::string(32, 'r') + Sized(1, "") +
         Sized(2, std::string("\x13\x01", 2)) + Sized(1, std::string(1, '\0')) +
         Sized(2, extensions);
}

std::string Message(const std::string& body) { return std::string(1, '\x01') + Sized(3, body); }

std::string Record(const std::string& fragment) {
  return std::string("\x16\x03\x01", 3) + Sized(2, fragment);
}

std::string Hello(const std::string& extensions) { return Record(Message(Body(extensions))); }

TEST(ClientHelloTest, FindsTheName) {
  const ClientHello hello =
      ParseClientHello(Hello(WithType(43, "xxx") + ServerName("a.example") + WithType(16, "")));
  EXPECT_EQ(hello.state, State::kComplete);
  EXPECT_EQ(hello.server_name, "a.example");
  EXPECT_FALSE(hello.encrypted);
}

TEST(ClientHelloTest, EveryPrefixNeedsMore) {
  const std::string bytes = Hello(ServerName("a.example"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ParseClientHello(bytes.substr(0, size)).state, State::kNeedMore) << size;
  }
}

TEST(ClientHelloTest, EverySplitOverTwoRecordsIsTheSame) {
  const std::string message = Message(Body(ServerName("a.example")));
  for (std::size_t cut = 1; cut < message.size(); ++cut) {
    const ClientHello hello =
        ParseClientHello(Record(message.substr(0, cut)) + Record(message.substr(cut)));
    EXPECT_EQ(hello.state, State::kComplete) << cut;
    EXPECT_EQ(hello.server_name, "a.example") << cut;
  }
}

TEST(ClientHelloTest, BytesBehindItDoNotMatter) {
  EXPECT_EQ(ParseClientHello(Hello(ServerName("a.example")) + "anything").server_name, "a.example");
}

TEST(ClientHelloTest, WithoutName) {
  EXPECT_EQ(ParseClientHello(Hello("")).state, State::kComplete);
  EXPECT_EQ(ParseClientHello(Hello("")).server_name, "");
}

TEST(ClientHelloTest, NamesTheEncrypted) {
  EXPECT_TRUE(ParseClientHello(Hello(ServerName("a.example") + WithType(0xfe0d, "x"))).encrypted);
}

TEST(ClientHelloTest, OtherProtocols) {
  for (const char* text : {"GET / HTTP/1.1\r\n", "SSH-2.0-x", "\x80\x2e\x01"}) {
    EXPECT_EQ(ParseClientHello(text).state, State::kNotTls) << text;
  }
  EXPECT_EQ(ParseClientHello(std::string("\x16\x05\x01\x00\x05hello", 10)).state, State::kNotTls);
}

TEST(ClientHelloTest, Malformed) {
  const std::string name = ServerName("a.example");
  const std::string two_names = WithType(
      0, Sized(2, std::string(1, '\0') + Sized(2, "a") + std::string(1, '\0') + Sized(2, "b")));
  for (const std::string& extensions :
       {name + name, name.substr(0, name.size() - 1), two_names, WithType(0, ""),
        WithType(0, Sized(2, "")), WithType(0, Sized(2, std::string(1, '\x01') + Sized(2, "a"))),
        WithType(0, Sized(2, std::string(1, '\0') + Sized(2, ""))), std::string("\0", 1)}) {
    EXPECT_EQ(ParseClientHello(Hello(extensions)).state, State::kMalformed);
  }
  // Another handshake message, bytes behind the message in its record, an empty record.
  EXPECT_EQ(ParseClientHello(Record(std::string("\x02\x00\x00\x00", 4))).state, State::kMalformed);
  EXPECT_EQ(ParseClientHello(Record(Message(Body(name)) + "x")).state, State::kMalformed);
  EXPECT_EQ(ParseClientHello(Record("")).state, State::kMalformed);
  EXPECT_EQ(ParseClientHello(Record(Message(Body(name) + "x"))).state, State::kMalformed);
}

// Found by egress_fuzz: a record that is longer than the message was taken or not, by how much of
// it had come.
TEST(ClientHelloTest, LongRecordIsMalformedBeforeItsEnd) {
  const std::string bytes = Record(Message(Body(ServerName("a.example"))) + "x");
  for (std::size_t size = 9; size < bytes.size(); ++size) {
    EXPECT_EQ(ParseClientHello(bytes.substr(0, size)).state, State::kMalformed) << size;
  }
}

TEST(ClientHelloTest, LongerThanAllowed) {
  EXPECT_EQ(ParseClientHello(Record(std::string("\x01\xff\xff\xff", 4))).state, State::kMalformed);
  // One byte a record does not stretch it.
  std::string drip;
  for (int i = 0; i < 5; ++i) drip += Record(std::string(1, i == 0 ? '\x01' : '\x7f'));
  EXPECT_EQ(ParseClientHello(drip).state, State::kMalformed);
}

}  // namespace
}  // namespace vortex::egress
