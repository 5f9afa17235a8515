// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc_server.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "containerd/ttrpc/ttrpc.pb.h"
#include "shim/socket_path.h"

namespace vortex::shim {
namespace {

class TtrpcServerTest : public ::testing::Test {
 protected:
  TtrpcServerTest() {
    char pattern[] = "/tmp/vortex-ttrpc-XXXXXX";
    dir_ = ::mkdtemp(pattern);
    path_ = dir_ + "/s";
    base::UniqueFd listener;
    bool in_use = false;
    EXPECT_TRUE(ListenOrFind(path_, &listener, &in_use).ok());
    server_ = std::make_unique<TtrpcServer>(
        &loop_, std::move(listener), [this](Call call) { calls_.push_back(std::move(call)); });
  }
  ~TtrpcServerTest() override {
    ::unlink(path_.c_str());
    ::rmdir(dir_.c_str());
  }

  base::UniqueFd Dial() {
    base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path_.data(), path_.size());
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    return fd;
  }
  static std::string Request(std::uint32_t stream, const std::string& method) {
    ttrpc::Request request;
    request.set_service("S");
    request.set_method(method);
    return EncodeFrame(stream, kRequestFrame, request.SerializeAsString());
  }
  void Send(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
      loop_.Turn(0);
    }
    for (int i = 0; i < 5; ++i) loop_.Turn(0);
  }
  bool Receive(int fd, Frame* frame, ttrpc::Response* response) {
    for (int i = 0; i < 100; ++i) {
      char buffer[4096];
      const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
      if (count > 0) decoder_.Feed(std::string_view(buffer, static_cast<std::size_t>(count)));
      if (decoder_.Next(frame)) return response->ParseFromString(frame->payload);
      loop_.Turn(1);
    }
    return false;
  }

  base::EventLoop loop_;
  std::string dir_;
  std::string path_;
  std::vector<Call> calls_;
  std::unique_ptr<TtrpcServer> server_;
  FrameDecoder decoder_;
};

TEST_F(TtrpcServerTest, AnswersMayComeInAnyOrder) {
  const auto peer = Dial();
  Send(peer.get(), Request(1, "first") + Request(3, "second"));
  ASSERT_EQ(calls_.size(), 2U);
  server_->Reply(calls_[1].id, Ok(), "two");
  server_->Reply(calls_[0].id, NotFound("x"), "");
  Frame frame;
  ttrpc::Response response;
  ASSERT_TRUE(Receive(peer.get(), &frame, &response));
  EXPECT_EQ(frame.stream, 3U);
  EXPECT_EQ(response.payload(), "two");
  EXPECT_FALSE(response.has_status());
  ASSERT_TRUE(Receive(peer.get(), &frame, &response));
  EXPECT_EQ(frame.stream, 1U);
  EXPECT_EQ(response.status().code(), 5);
  EXPECT_EQ(response.status().message(), "x: not found");
}

TEST_F(TtrpcServerTest, BadFramesAreAnsweredAndTheConnectionLives) {
  const auto peer = Dial();
  Frame frame;
  ttrpc::Response response;
  Send(peer.get(), Request(2, "even"));
  ASSERT_TRUE(Receive(peer.get(), &frame, &response));
  EXPECT_EQ(response.status().code(), 3);
  Send(peer.get(), EncodeFrame(5, kRequestFrame, "\xff\xff\xff"));
  ASSERT_TRUE(Receive(peer.get(), &frame, &response));
  EXPECT_EQ(response.status().code(), 3);
  Send(peer.get(), Request(5, "again"));  // not above the last
  ASSERT_TRUE(Receive(peer.get(), &frame, &response));
  EXPECT_EQ(response.status().code(), 3);
  // One byte too long, sent in full; then an unknown type and a data frame of no stream: both
  // skipped.
  std::string oversized("\0\x40\0\1\0\0\0\7\1\0", 10);
  oversized += std::string(kMaxPayload + 1, 'x');
  Send(peer.get(), oversized);
  ASSERT_TRUE(Receive(peer.get(), &frame, &response));
  EXPECT_EQ(response.status().code(), 8);
  Send(peer.get(), EncodeFrame(9, static_cast<FrameType>(77), "?") +
                       EncodeFrame(9, kDataFrame, "?") + Request(11, "good"));
  ASSERT_EQ(calls_.size(), 1U);
  EXPECT_EQ(calls_[0].method, "good");
}

TEST_F(TtrpcServerTest, APeerThatLeavesLosesItsAnswersAndNothingElse) {
  auto peer = Dial();
  Send(peer.get(), Request(1, "wait"));
  ASSERT_EQ(calls_.size(), 1U);
  peer.Reset();
  while (server_->connections() > 0) loop_.Turn(100);
  server_->Reply(calls_[0].id, Ok(), "late");
  EXPECT_TRUE(server_->Flushed());
}

TEST_F(TtrpcServerTest, HalfOpenConnectionsCostNothing) {
  std::vector<base::UniqueFd> peers;
  for (int i = 0; i < 100; ++i) {
    peers.push_back(Dial());
    Send(peers.back().get(), std::string("\0\0", 2));
  }
  EXPECT_EQ(server_->connections(), 100U);
  const auto good = Dial();
  Send(good.get(), Request(1, "good"));
  EXPECT_EQ(calls_.size(), 1U);
}

}  // namespace
}  // namespace vortex::shim
