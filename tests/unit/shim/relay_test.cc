// SPDX-License-Identifier: Apache-2.0
#include "shim/relay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

namespace vortex::shim {
namespace {

struct Pipe {
  Pipe() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    read.Reset(fds[0]);
    write.Reset(fds[1]);
  }
  base::UniqueFd read;
  base::UniqueFd write;
};

std::string ReadAll(int fd) {
  std::string out;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = ::read(fd, buffer, sizeof buffer)) > 0)
    out.append(buffer, static_cast<std::size_t>(count));
  return out;
}

// splice(2) refuses a file that is appended to; containerd's file:// outputs are such.
TEST(RelayTest, AppendsToAFile) {
  base::EventLoop loop;
  Pipe in;
  char path[] = "/tmp/vortex-relay-XXXXXX";
  const base::UniqueFd file(::mkostemp(path, O_CLOEXEC));
  ASSERT_EQ(::write(file.get(), "old ", 4), 4);
  bool ended = false;
  Relay relay(&loop, RelayKind::kPipes, std::move(in.read),
              base::UniqueFd(::open(path, O_WRONLY | O_APPEND | O_CLOEXEC)), [&] { ended = true; });
  ASSERT_EQ(::write(in.write.get(), "new", 3), 3);
  in.write.Reset();
  for (int i = 0; i < 100 && !ended; ++i) loop.Turn(10);
  EXPECT_TRUE(ended);
  ::lseek(file.get(), 0, SEEK_SET);
  EXPECT_EQ(ReadAll(file.get()), "old new");
  EXPECT_EQ(relay.bytes(), 3U);
  ::unlink(path);
}

TEST(RelayTest, MovesEverythingAndEndsWithItsSource) {
  base::EventLoop loop;
  Pipe in;
  Pipe out;
  bool ended = false;
  Relay relay(&loop, RelayKind::kPipes, std::move(in.read), std::move(out.write),
              [&] { ended = true; });
  // More than a pipe holds: the relay must wait for its sink and lose nothing.
  std::string sent;
  std::string got;
  const std::string chunk(10'000, 'x');
  while (sent.size() < 400'000) {
    const ssize_t count = ::write(in.write.get(), chunk.data(), chunk.size());
    if (count > 0) sent.append(static_cast<std::size_t>(count), 'x');
    loop.Turn(0);
    if (sent.size() > 200'000) got += ReadAll(out.read.get());
    if (count < 0 && sent.size() <= 200'000) got += ReadAll(out.read.get());
  }
  in.write.Reset();
  while (!ended) {
    loop.Turn(100);
    got += ReadAll(out.read.get());
  }
  got += ReadAll(out.read.get());
  EXPECT_EQ(got.size(), sent.size());
  EXPECT_EQ(relay.bytes(), sent.size());
}

TEST(RelayTest, AFullSinkDoesNotSpinTheLoop) {
  base::EventLoop loop;
  Pipe in;
  Pipe out;
  Relay relay(&loop, RelayKind::kPipes, std::move(in.read), std::move(out.write), nullptr);
  const std::string chunk(60'000, 'x');
  for (int i = 0; i < 40; ++i) {
    [[maybe_unused]] const ssize_t ignored = ::write(in.write.get(), chunk.data(), chunk.size());
    loop.Turn(0);
  }
  in.write.Reset();  // hung up, with bytes still inside and nobody reading
  const auto before = std::chrono::steady_clock::now();
  loop.Turn(50);
  loop.Turn(50);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(50));
  EXPECT_FALSE(relay.ended());
}

TEST(RelayTest, AReaderThatLeavesEndsIt) {
  ::signal(SIGPIPE, SIG_IGN);
  base::EventLoop loop;
  Pipe in;
  Pipe out;
  Relay relay(&loop, RelayKind::kPipes, std::move(in.read), std::move(out.write), nullptr);
  out.read.Reset();
  ASSERT_EQ(::write(in.write.get(), "x", 1), 1);
  while (!relay.ended()) loop.Turn(100);
}

TEST(RelayTest, ATerminalWithoutASlaveComesBackUntilItIsFinal) {
  base::EventLoop loop;
  Pipe out;
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  const std::string name = ::ptsname(master);
  ::fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
  Relay relay(&loop, RelayKind::kFromTty, base::UniqueFd(master), std::move(out.write), nullptr);
  ::close(slave);
  loop.Turn(10);
  EXPECT_FALSE(relay.ended());
  base::UniqueFd again(::open(name.c_str(), O_RDWR | O_NOCTTY));
  ASSERT_EQ(::write(again.get(), "late", 4), 4);
  again.Reset();
  std::string got;
  while (got.empty()) {
    loop.Turn(200);
    got = ReadAll(out.read.get());
  }
  EXPECT_EQ(got, "late");
  relay.SourceIsFinal();
  while (!relay.ended()) loop.Turn(100);
}

}  // namespace
}  // namespace vortex::shim
