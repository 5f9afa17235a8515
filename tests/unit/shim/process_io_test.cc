// SPDX-License-Identifier: Apache-2.0
#include "shim/process_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/files.h"

namespace vortex::shim {
namespace {

class ProcessIoTest : public ::testing::Test {
 protected:
  ProcessIoTest() : reaper_(&loop_) {
    char pattern[] = "/tmp/vortex-io-XXXXXX";
    dir_ = ::mkdtemp(pattern);
    for (const char* name : {"/in", "/out", "/err"})
      EXPECT_EQ(::mkfifo((dir_ + name).c_str(), 0600), 0);
  }
  ~ProcessIoTest() override {
    // A coroutine may still wait for its logger's exit; its frame goes when that has come.
    while (!reaper_.Idle()) loop_.Turn(1000);
    for (int turn = 0; turn < 3; ++turn) loop_.Turn(0);
    for (const char* name : {"/in", "/out", "/err", "/logger", "/log"})
      ::unlink((dir_ + name).c_str());
    ::rmdir(dir_.c_str());
  }

  template <typename Result>
  static base::Task<void> Store(base::Task<Result> task, std::optional<Result>* out) {
    out->emplace(co_await std::move(task));
  }
  Status Await(base::Task<Status> task) {
    std::optional<Status> result;
    base::Detach(Store(std::move(task), &result));
    while (!result) loop_.Turn(1000);
    return *result;
  }
  static base::Task<void> Flag(base::Task<void> task, bool* done) {
    co_await std::move(task);
    *done = true;
  }

  base::EventLoop loop_;
  base::ChildReaper reaper_;
  std::string dir_;
};

TEST_F(ProcessIoTest, DirectStreamsAreTheFifosThemselves) {
  ProcessIo io(&loop_, &reaper_, {"c1", "ns", false, dir_ + "/in", dir_ + "/out", dir_ + "/out"});
  ASSERT_TRUE(Await(io.Open()).ok());
  int fds[3];
  io.ChildFds(fds);
  struct stat fifo {};
  struct stat given {};
  ASSERT_EQ(::stat((dir_ + "/out").c_str(), &fifo), 0);
  ASSERT_EQ(::fstat(fds[1], &given), 0);
  EXPECT_EQ(given.st_ino, fifo.st_ino);
  EXPECT_EQ(fds[1], fds[2]);  // one name, one open file description
  EXPECT_EQ(io.RelayedBytes(1), -1);
}

TEST_F(ProcessIoTest, NoNamesMeansDevNull) {
  ProcessIo io(&loop_, &reaper_, {"c1", "ns"});
  ASSERT_TRUE(Await(io.Open()).ok());
  int fds[3];
  io.ChildFds(fds);
  for (const int fd : fds) EXPECT_EQ(fd, -1);
}

// A daemonised child keeps the pipe: the stream still ends, after the limit without progress.
TEST_F(ProcessIoTest, ARelayThatNeverEndsIsDrainedInBoundedTime) {
  IoRequest request{"c1", "ns", false, "", dir_ + "/out", ""};
  request.relay = true;
  ProcessIo io(&loop_, &reaper_, std::move(request));
  ASSERT_TRUE(Await(io.Open()).ok());
  int fds[3];
  io.ChildFds(fds);
  const base::UniqueFd child_end(::dup(fds[1]));
  ASSERT_TRUE(Await(io.Started()).ok());
  const base::UniqueFd reader(::open((dir_ + "/out").c_str(), O_RDONLY | O_NONBLOCK));
  ASSERT_EQ(::write(child_end.get(), "last words", 10), 10);
  bool done = false;
  const auto before = std::chrono::steady_clock::now();
  base::Detach(Flag(io.Drain(), &done));
  while (!done) loop_.Turn(1000);
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_LT(took, std::chrono::seconds(7));
  char buffer[32];
  EXPECT_EQ(::read(reader.get(), buffer, sizeof buffer), 10);
  EXPECT_EQ(::read(reader.get(), buffer, sizeof buffer), 0);  // and then the end
  EXPECT_EQ(io.RelayedBytes(1), 10);
}

TEST_F(ProcessIoTest, ABinaryLoggerReadsBothStreamsAndSaysReady) {
  // It must not have more than its environment of two, and leaves when both streams end.
  ASSERT_EQ(WriteFileAtomic(dir_ + "/logger",
                            "#!/bin/sh\necho ready >&5\nexec 5>&-\n{ echo $CONTAINER_ID $1 $2 "
                            "$HOME; cat <&3; cat <&4; } > " +
                                dir_ + "/log\n",
                            0755),
            0);
  ProcessIo io(&loop_, &reaper_,
               {"c1", "ns", false, "", "binary://" + dir_ + "/logger?k=v",
                "binary://" + dir_ + "/logger?k=v"});
  ASSERT_TRUE(Await(io.Open()).ok());
  int fds[3];
  io.ChildFds(fds);
  ASSERT_EQ(::write(fds[1], "out\n", 4), 4);
  ASSERT_EQ(::write(fds[2], "err\n", 4), 4);
  ASSERT_TRUE(Await(io.Started()).ok());
  bool done = false;
  base::Detach(Flag(io.Drain(), &done));
  while (!done) loop_.Turn(1000);
  EXPECT_EQ(ReadFile(dir_ + "/log", 4096), "c1 k v\nout\nerr\n");
}

TEST_F(ProcessIoTest, AV2LoggerThatDiesBeforeItIsReadyFailsTheOpen) {
  ASSERT_EQ(WriteFileAtomic(dir_ + "/logger", "#!/bin/sh\nexit 1\n", 0755), 0);
  ProcessIo io(&loop_, &reaper_, {"c1", "ns", false, "", "binary-v2://" + dir_ + "/logger", ""});
  EXPECT_FALSE(Await(io.Open()).ok());
}

TEST_F(ProcessIoTest, AStreamOfAnUnknownKindIsRefused) {
  ProcessIo io(&loop_, &reaper_, {"c1", "ns", false, "", "ttrpc+unix:///x?streaming_id=1", ""});
  EXPECT_EQ(Await(io.Open()).code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace vortex::shim
