// SPDX-License-Identifier: Apache-2.0
#include "base/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace vortex::base {
namespace {

std::string RunShell(const std::string& script, std::vector<int> extra = {},
                     int* status = nullptr) {
  const UniqueFd out(::memfd_create("out", MFD_CLOEXEC));
  SpawnOptions options;
  options.program = "/bin/sh";
  options.argv = {"sh", "-c", script};
  options.env = {"PATH=/usr/bin:/bin", "MARK=yes"};
  options.fds = {-1, out.get(), out.get()};
  options.fds.insert(options.fds.end(), extra.begin(), extra.end());
  const auto pid = Spawn(options);
  EXPECT_TRUE(pid.ok());
  int ignored = 0;
  ::waitpid(pid.value(), status != nullptr ? status : &ignored, 0);
  char buffer[4096];
  const ssize_t count = ::pread(out.get(), buffer, sizeof buffer, 0);
  return std::string(buffer, count > 0 ? static_cast<std::size_t>(count) : 0);
}

TEST(SpawnTest, ChildHasOnlyTheDescriptorsItWasGiven) {
  const UniqueFd other(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  // What the test itself was started with is not ours to answer for.
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  // 3 is the ls's own handle on the directory.
  EXPECT_EQ(RunShell("ls /proc/self/fd | tr '\\n' ' '"), "0 1 2 3 ");
  EXPECT_EQ(RunShell("echo $MARK"), "yes\n");
}

TEST(SpawnTest, DescriptorsMayComeInAnyOrder) {
  int pipe_fds[2];
  ASSERT_EQ(::pipe2(pipe_fds, O_CLOEXEC), 0);
  const UniqueFd read_end(pipe_fds[0]);
  UniqueFd write_end(pipe_fds[1]);
  // The child's 4 is our lower number: a naive loop of dup2 would overwrite it.
  RunShell("echo through >&4", {read_end.get(), write_end.get()});
  write_end.Reset();
  char buffer[16] = {};
  EXPECT_EQ(::read(read_end.get(), buffer, sizeof buffer), 8);
  EXPECT_STREQ(buffer, "through\n");
}

TEST(SpawnTest, SignalsAreDefaultInTheChild) {
  ::signal(SIGPIPE, SIG_IGN);
  int status = 0;
  RunShell("kill -PIPE $$; exit 3", {}, &status);
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(SpawnTest, AMissingProgramIsAnErrnoAndLeavesNoChild) {
  SpawnOptions options;
  options.program = "/nonexistent/program";
  options.argv = {"program"};
  const auto pid = Spawn(options);
  ASSERT_FALSE(pid.ok());
  EXPECT_EQ(pid.error().value, ENOENT);
  EXPECT_STREQ(pid.error().step, "execve");
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(ForkHelperTest, ClosesEverythingButWhatIsKept) {
  const UniqueFd kept(::memfd_create("kept", MFD_CLOEXEC));
  const UniqueFd other(::memfd_create("other", MFD_CLOEXEC));
  const int kept_fd = kept.get();
  const int other_fd = other.get();
  const auto pid = ForkHelper({kept_fd}, [=] {
    return ::fcntl(kept_fd, F_GETFD) >= 0 && ::fcntl(other_fd, F_GETFD) < 0 ? 7 : 1;
  });
  ASSERT_TRUE(pid.ok());
  int status = 0;
  ::waitpid(pid.value(), &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(FindProgramTest, LooksInThePathOnlyForBareNames) {
  EXPECT_EQ(FindProgram("sh", "/nonexistent:/bin"), "/bin/sh");
  EXPECT_EQ(FindProgram("/bin/sh", ""), "/bin/sh");
  EXPECT_EQ(FindProgram("no-such-program", "/bin:/usr/bin"), std::nullopt);
  EXPECT_EQ(FindProgram("", "/bin"), std::nullopt);
}

}  // namespace
}  // namespace vortex::base
