// SPDX-License-Identifier: Apache-2.0
#include "shim/exec_fifo.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/oci_config.h"

namespace vortex::shim {
namespace {

class ExecFifoTest : public ::testing::Test {
 protected:
  ExecFifoTest() : reaped_(&loop_) {
    char pattern[] = "/tmp/vortex-exec-fifo-XXXXXX";
    dir_ = ::mkdtemp(pattern);
    path_ = dir_ + "/exec.fifo";
  }
  ~ExecFifoTest() override {
    ::unlink(path_.c_str());
    ::rmdir(dir_.c_str());
  }
  static base::Task<void> Store(base::Task<bool> task, std::optional<bool>* out) {
    out->emplace(co_await std::move(task));
  }
  bool Release() {
    std::optional<bool> result;
    base::Detach(Store(ReleaseByExecFifo(&loop_, path_, &reaped_, &reader_), &result));
    while (!result) loop_.Turn(1000);
    return *result;
  }

  base::EventLoop loop_;
  base::Event reaped_;
  base::UniqueFd reader_;
  std::string dir_;
  std::string path_;
};

TEST_F(ExecFifoTest, AWaitingProcessIsLetGoAndTheFileRemoved) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  // As runc's first process: blocks in open until somebody reads.
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int fd = ::open(path_.c_str(), O_WRONLY);
    ::_exit(::write(fd, "0", 1) == 1 ? 0 : 1);
  }
  EXPECT_TRUE(Release());
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
  int status = -1;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(Release()) << "a second start is the runtime's to refuse";
}

// The process may come to the FIFO just when the shim gives up: without a reader until the
// runtime's own start has one, it would die of its write.
TEST_F(ExecFifoTest, TheReaderStaysOpenForTheRuntimesOwnStart) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_FALSE(Release());
  EXPECT_TRUE(reader_.valid());
  const int late = ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(late, 0);
  EXPECT_EQ(::write(late, "0", 1), 1);
  ::close(late);
}

TEST_F(ExecFifoTest, AnEndedProcessIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  reaped_.Set();
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(Release());
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
  EXPECT_EQ(::access(path_.c_str(), F_OK), 0);
}

TEST_F(ExecFifoTest, WhatIsNoFifoIsLeftAlone) {
  EXPECT_FALSE(Release());
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::write(fd, "0", 1), 1);
  ::close(fd);
  EXPECT_FALSE(Release());
  EXPECT_EQ(::access(path_.c_str(), F_OK), 0);
}

TEST_F(ExecFifoTest, HooksThatStartRunsAreSeen) {
  EXPECT_FALSE(ParseOciConfig(R"({"hooks":{"prestart":[{"path":"/x"}]}})")->poststart_hooks);
  EXPECT_FALSE(ParseOciConfig(R"({"hooks":{"poststart":[]}})")->poststart_hooks);
  EXPECT_TRUE(ParseOciConfig(R"({"hooks":{"poststart":[{"path":"/x"}]}})")->poststart_hooks);
}

}  // namespace
}  // namespace vortex::shim
