// SPDX-License-Identifier: Apache-2.0
#include "shim/cgroup_moves.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/files.h"

namespace vortex::shim {
namespace {

TEST(CgroupMoves, NobodyIsMovedAndOneChildIsLeftToTheReaper) {
  const auto before = ReadFile("/proc/self/cgroup", 64 << 10);
  PrepareCgroupMoves();
  int status = -1;
  const pid_t child = ::waitpid(-1, &status, 0);
  ASSERT_GT(child, 0);
  EXPECT_TRUE(WIFEXITED(status));
  // As root on an ordinary host it has done its part; another user may not write there.
  if (::geteuid() == 0 && ::access("/sys/fs/cgroup/pids/cgroup.procs", W_OK) == 0) {
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  EXPECT_EQ(ReadFile("/proc/self/cgroup", 64 << 10), before);
  EXPECT_EQ(::waitpid(-1, &status, WNOHANG), -1) << "another child";
}

}  // namespace
}  // namespace vortex::shim
