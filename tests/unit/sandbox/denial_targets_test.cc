// SPDX-License-Identifier: Apache-2.0
// Paths, socket addresses, DNS questions and trace events, as hostile bytes.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/files.h"
#include "sandbox/denials/hand_over.h"
#include "sandbox/denials/path_resolver.h"
#include "sandbox/denials/path_rules.h"
#include "sandbox/denials/socket_target.h"
#include "sandbox/denials/trace_config.h"
#include "sandbox/denials/trace_events.h"

namespace vortex::sandbox {
namespace {

TEST(PathRulesTest, CleanPath) {
  EXPECT_EQ(CleanPath("/plugin", "a/./b//c"), "/plugin/a/b/c");
  EXPECT_EQ(CleanPath("/plugin", "../../../etc/passwd"), "/etc/passwd");
  EXPECT_EQ(CleanPath("/plugin", "/"), "/");
  EXPECT_EQ(CleanPath("", ""), "/");
}

TEST(PathRulesTest, OutsideOfTheSandboxsTreesOnly) {
  for (const char* path :
       {"/etc/passwd", "/root/.ssh/id_rsa", "/usrlocal/x", "/home", "/run/x", "/dev/kvm"})
    EXPECT_TRUE(MissingFileIsDenial(path, {})) << path;
  for (const char* path :
       {"/usr/lib/python3.11/x.py", "/plugin/x", "/tmp/x", "/proc/1/x", "/dev/shm/x",
        "/lib/x86_64-linux-gnu/libx.so", "/etc/ld.so.cache", "/etc/localtime"})
    EXPECT_FALSE(MissingFileIsDenial(path, {})) << path;
  EXPECT_FALSE(MissingFileIsDenial("/models/x", {"/models"}));
  EXPECT_TRUE(MissingFileIsDenial("/models2/x", {"/models"}));
  EXPECT_FALSE(RefusedWriteIsDenial("/usr/lib/python3.11/__pycache__/x.pyc"));
  EXPECT_TRUE(RefusedWriteIsDenial("/plugin/x"));
}

class PathResolverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "resolver-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    ASSERT_EQ(::mkdir((root_ + "/dir").c_str(), 0755), 0);
    ASSERT_TRUE(base::WriteFileAtomic(root_ + "/dir/file", "x", 0644).ok());
    ASSERT_EQ(::symlink("/dir/file", (root_ + "/absolute").c_str()), 0);
    ASSERT_EQ(::symlink("../../../../etc/passwd", (root_ + "/dir/up").c_str()), 0);
    ASSERT_EQ(::symlink("/loop", (root_ + "/loop").c_str()), 0);
    resolver_.emplace(Fd(""));
  }
  void TearDown() override { base::RemoveTree(root_).IgnoreError(); }

  base::UniqueFd Fd(const std::string& path) const {
    return base::UniqueFd(::open((root_ + path).c_str(), O_PATH | O_CLOEXEC));
  }
  // The path inside the root, or the kind as a word.
  std::string Of(const std::string& path, const std::string& base = "/dir", bool follow = true) {
    const base::UniqueFd start = Fd(base);
    const Resolved got = resolver_->Resolve(start.get(), path, follow);
    switch (got.kind) {
      case Resolved::Kind::kFound:
        return "found " + PathOf(got.fd.get()).substr(root_.size());
      case Resolved::Kind::kMissing:
        return "missing " + got.path.substr(root_.size());
      case Resolved::Kind::kMissingDir:
        return "missing dir " + got.path.substr(root_.size());
      case Resolved::Kind::kForbidden:
        return "forbidden";
      default:
        return "unknown";
    }
  }

  std::string root_;
  std::optional<PathResolver> resolver_;
};

TEST_F(PathResolverTest, AsTheKernelWould) {
  EXPECT_EQ(Of("/dir/file"), "found /dir/file");
  EXPECT_EQ(Of("file"), "found /dir/file");
  EXPECT_EQ(Of("../dir/./file"), "found /dir/file");
  EXPECT_EQ(Of("../absolute"), "found /dir/file");
  EXPECT_EQ(Of("/absolute", "/dir", false), "found /absolute");
  EXPECT_EQ(Of("/dir/none"), "missing /dir/none");
  EXPECT_EQ(Of("/none/x"), "missing dir /none/x");
  EXPECT_EQ(Of("/dir/file/x"), "unknown");
  EXPECT_EQ(Of("/loop"), "unknown");
  EXPECT_EQ(Of(""), "unknown");
  EXPECT_EQ(Of(std::string(5000, 'x')), "unknown");
}

TEST_F(PathResolverTest, NothingLeavesTheRoot) {
  EXPECT_EQ(Of("../../../../../../etc/passwd"), "missing dir /etc/passwd");
  EXPECT_EQ(Of("up"), "missing dir /etc/passwd");
  EXPECT_EQ(Of("/dir/up"), "missing dir /etc/passwd");
}

std::string Address4(const char* host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, host, &address.sin_addr);
  return std::string(reinterpret_cast<const char*>(&address), sizeof address);
}

std::string Address6(const char* host, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  ::inet_pton(AF_INET6, host, &address.sin6_addr);
  return std::string(reinterpret_cast<const char*>(&address), sizeof address);
}

TEST(SocketTargetTest, Addresses) {
  EXPECT_EQ(ParseSocketTarget(Address4("192.0.2.1", 80)).text, "192.0.2.1:80");
  EXPECT_FALSE(ParseSocketTarget(Address4("192.0.2.1", 80)).loopback);
  EXPECT_EQ(ParseSocketTarget(Address6("2001:db8::1", 443)).text, "[2001:db8::1]:443");
  for (const char* host : {"127.0.0.1", "127.255.0.9", "0.0.0.0"})
    EXPECT_TRUE(ParseSocketTarget(Address4(host, 1)).loopback) << host;
  for (const char* host : {"::1", "::", "::ffff:127.0.0.1"})
    EXPECT_TRUE(ParseSocketTarget(Address6(host, 1)).loopback) << host;
  EXPECT_FALSE(ParseSocketTarget(Address6("::ffff:192.0.2.1", 1)).loopback);
  const std::string whole = Address6("2001:db8::1", 443);
  for (std::size_t size = 0; size < whole.size() - 4; ++size)
    EXPECT_EQ(ParseSocketTarget(whole.substr(0, size)).kind, SocketTarget::Kind::kOther) << size;
  EXPECT_EQ(ParseSocketTarget(std::string("\1\0/run/x\0y", 10)).text, "/run/x");
  EXPECT_EQ(ParseSocketTarget(std::string("\1\0\0abc", 6)).kind, SocketTarget::Kind::kUnixAbstract);
}

TEST(SocketTargetTest, Questions) {
  const std::string header("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  const std::string tail("\x00\x00\x01\x00\x01", 5);
  EXPECT_EQ(QuestionOf(header + "\7example\3com" + tail), "example.com");
  EXPECT_EQ(QuestionOf(header + "\3a\x1b;" + tail), "a??");
  EXPECT_EQ(QuestionOf(header + "\x40" + tail), "");      // a label that is too long
  EXPECT_EQ(QuestionOf(header + "\xc0\x0c" + tail), "");  // a pointer
  EXPECT_EQ(QuestionOf(header + "\7example"), "");        // no end
  std::string answer = header;
  answer[2] = '\x81';
  EXPECT_EQ(QuestionOf(answer + "\1a" + tail), "");
  EXPECT_EQ(QuestionOf("GET / HTTP/1.1\r\nHost: x\r\n"), "");
  std::string deep = header;
  for (int i = 0; i < 200; ++i) deep += "\1a";
  EXPECT_EQ(QuestionOf(deep + tail), "");
}

// A packet of the wire protocol.
std::string Packet(int type, const std::string& payload, std::uint32_t dropped = 0) {
  std::string out = {8, 0, static_cast<char>(type), 0, static_cast<char>(dropped), 0, 0, 0};
  return out + payload;
}

std::string Bytes(int field, const std::string& value) {
  return std::string({static_cast<char>(field << 3 | 2), static_cast<char>(value.size())}) + value;
}

std::string Number(int field, int value) {
  return {static_cast<char>(field << 3), static_cast<char>(value)};
}

TEST(TraceEventTest, AFailedOpen) {
  const auto event = ParseTraceEvent(Packet(
      7, Bytes(1, Bytes(8, "/plugin")) + Bytes(2, Number(2, 2)) + Bytes(6, "../etc/passwd"), 3));
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->dropped, 3u);
  const auto attempt = AttemptOf(*event, {}, {});
  ASSERT_TRUE(attempt.has_value());
  EXPECT_EQ(attempt->target, "/etc/passwd");
  EXPECT_EQ(attempt->rule, kRuleNoFile);
  EXPECT_EQ(attempt->errno_value, 2);
}

TEST(TraceEventTest, WhatSucceededOrIsNoiseIsNone) {
  const auto attempt = [](const std::string& payload) {
    return AttemptOf(*ParseTraceEvent(Packet(7, payload)), {}, {});
  };
  EXPECT_TRUE(attempt(Bytes(2, Number(2, 2)) + Bytes(6, "/etc/x")));
  EXPECT_FALSE(attempt(Bytes(2, Number(1, 5)) + Bytes(6, "/etc/x")));
  EXPECT_FALSE(attempt(Bytes(6, "/etc/x")));  // the beginning of a call
  EXPECT_FALSE(attempt(Bytes(2, Number(2, 2)) + Bytes(6, "/usr/lib/x")));
}

TEST(TraceEventTest, Connects) {
  const auto attempt = [](const std::string& address, int error) {
    return AttemptOf(*ParseTraceEvent(Packet(10, Bytes(2, Number(2, error)) + Bytes(6, address))),
                     {}, {"10.0.0.1"});
  };
  EXPECT_EQ(attempt(Address4("192.0.2.1", 80), 113)->target, "192.0.2.1:80");
  EXPECT_FALSE(attempt(Address4("192.0.2.1", 80), 0));
  EXPECT_FALSE(attempt(Address4("10.0.0.1", 80), 113));
  EXPECT_FALSE(attempt(Address4("127.0.0.1", 80), 111));
  EXPECT_EQ(attempt(Address4("127.0.0.1", 53), 0)->action, "resolve");
}

TEST(TraceEventTest, HostileBytesAreNoEvent) {
  EXPECT_FALSE(ParseTraceEvent(""));
  EXPECT_FALSE(ParseTraceEvent(std::string(7, '\0')));
  EXPECT_FALSE(ParseTraceEvent(std::string("\xff\xff\7\0\0\0\0\0", 8)));
  EXPECT_FALSE(ParseTraceEvent(Packet(7, "\x32\x7f")));               // a length past the end
  EXPECT_FALSE(ParseTraceEvent(Packet(7, std::string(11, '\xff'))));  // a varint without end
  EXPECT_FALSE(ParseTraceEvent(Packet(7, "\x0b")));                   // a group
  EXPECT_TRUE(ParseTraceEvent(Packet(99, "")));
}

TEST(TraceConfigTest, NamesTheSocketAndDoesNotRetry) {
  const std::string json = TraceConfigJson("/run/x/trace", true, false);
  EXPECT_NE(json.find(R"("endpoint":"/run/x/trace")"), std::string::npos);
  EXPECT_NE(json.find(R"("retries":0)"), std::string::npos);
  EXPECT_NE(json.find("syscall/connect/exit"), std::string::npos);
  EXPECT_EQ(json.find("syscall/openat/exit"), std::string::npos);
}

class HandOverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    sender_.Reset(pair[0]);
    hand_over_.emplace(base::UniqueFd(pair[1]));
    if (::getuid() != 0) GTEST_SKIP() << "only root may hand over, and this test is not root";
  }

  void Send(const std::string& text, int fds) {
    iovec data{const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8)] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (fds > 0) {
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(sizeof(int) * static_cast<std::size_t>(fds));
      cmsghdr* part = CMSG_FIRSTHDR(&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(sizeof(int) * static_cast<std::size_t>(fds));
      for (int i = 0; i < fds; ++i) reinterpret_cast<int*>(CMSG_DATA(part))[i] = STDERR_FILENO;
    }
    ASSERT_EQ(::sendmsg(sender_.get(), &message, 0), static_cast<ssize_t>(text.size()));
  }

  base::UniqueFd sender_;
  std::optional<HandOver> hand_over_;
};

constexpr char kDocument[] =
    R"({"ociVersion":"0.2.0","fds":["seccompFd"],"pid":7,"metadata":"m","state":{"id":"run-1"}})";

TEST_F(HandOverTest, InOnePieceOrInTwo) {
  const std::string text = kDocument;
  Send(text.substr(0, 30), 1);
  auto done = hand_over_->Advance("run-1", "m");
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(*done);
  Send(text.substr(30) + "\n", 0);
  done = hand_over_->Advance("run-1", "m");
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
  EXPECT_TRUE(hand_over_->TakeFd().valid());
}

TEST_F(HandOverTest, AnotherRunsOrWithoutTheTokenIsDropped) {
  Send(kDocument, 1);
  EXPECT_TRUE(absl::IsPermissionDenied(hand_over_->Advance("run-2", "m").status()));
}

TEST_F(HandOverTest, WithoutTheTokenItIsDropped) {
  Send(kDocument, 1);
  EXPECT_TRUE(absl::IsPermissionDenied(hand_over_->Advance("run-1", "n").status()));
}

TEST_F(HandOverTest, WithoutADescriptorItIsDropped) {
  Send(kDocument, 0);
  EXPECT_TRUE(absl::IsDataLoss(hand_over_->Advance("run-1", "m").status()));
}

TEST_F(HandOverTest, TooManyDescriptorsAreClosedAndDropped) {
  Send(kDocument, 8);
  EXPECT_TRUE(absl::IsDataLoss(hand_over_->Advance("run-1", "m").status()));
}

TEST_F(HandOverTest, AnEndTooEarlyIsDropped) {
  Send("{\"fds\":", 1);
  sender_.Reset();
  EXPECT_TRUE(absl::IsDataLoss(hand_over_->Advance("run-1", "m").status()));
}

}  // namespace
}  // namespace vortex::sandbox
