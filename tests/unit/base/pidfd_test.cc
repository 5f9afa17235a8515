// SPDX-License-Identifier: Apache-2.0
#include "base/pidfd.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace vortex::base {
namespace {

TEST(PidfdTest, KillsTheProcessItNamesAndTellsItsEnd) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    for (;;) ::pause();
  }
  const auto fd = PidfdOpen(pid);
  ASSERT_TRUE(fd.ok());
  pollfd ended{fd.value().get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 0), 0);
  EXPECT_EQ(PidfdKill(fd.value().get(), SIGKILL), 0);
  EXPECT_EQ(::poll(&ended, 1, 10'000), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status));
  // Reaped: whoever has the number now is not meant.
  EXPECT_EQ(PidfdKill(fd.value().get(), SIGKILL), ESRCH);
}

TEST(PidfdTest, NoSuchProcess) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_FALSE(PidfdOpen(pid).ok());
}

}  // namespace
}  // namespace vortex::base
