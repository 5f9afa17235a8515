// SPDX-License-Identifier: Apache-2.0
// The fixture itself: nothing may be left of a private containerd, however the test ends.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "integration/client/client_test_base.h"
#include "support/processes.h"

namespace vortex::client {
namespace {

using CleanupTest = ClientTest;

bool AnyProcessNames(const std::string& dir) {
  const std::vector<int> pids = testing::AllPids();
  return std::any_of(pids.begin(), pids.end(), [&](int pid) {
    return testing::CommandLine(pid).find(dir) != std::string::npos;
  });
}

TEST_F(CleanupTest, NothingIsLeft) {
  const std::string id = StartTask({"hold"});
  const auto pid = static_cast<pid_t>(client_->tasks().Get(id)->pid);
  const std::string dir = containerd().dir();
  const std::string name = namespace_;
  EXPECT_TRUE(AnyProcessNames(dir));
  client_.reset();
  containerd_.reset();
  EXPECT_FALSE(AnyProcessNames(dir));
  // Gone, or a zombie whose new parent has not looked yet.
  const auto stat = base::ReadFile("/proc/" + std::to_string(pid) + "/stat", 4096);
  EXPECT_TRUE(!stat.ok() || stat->find(") Z ") != std::string::npos) << *stat;
  EXPECT_FALSE(std::filesystem::exists(dir));
  EXPECT_EQ(base::ReadFile("/proc/self/mountinfo", 4 << 20)->find(dir), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists("/run/containerd/runc/" + name));
  for (const auto& controller : std::filesystem::directory_iterator("/sys/fs/cgroup"))
    EXPECT_FALSE(std::filesystem::exists(controller.path() / name / id)) << controller.path();
  SetUpTestSuite();
}

TEST_F(CleanupTest, ATaskThatEndedButWasNotDeletedLeavesNoCgroup) {
  const std::string id = StartTask({"exit", "0"});
  ASSERT_THAT(client_->tasks().Wait(id, "", {.timeout = kLong}), IsOk());
  const std::string name = namespace_;
  client_.reset();
  containerd_.reset();
  for (const auto& controller : std::filesystem::directory_iterator("/sys/fs/cgroup"))
    EXPECT_FALSE(std::filesystem::exists(controller.path() / name)) << controller.path();
  SetUpTestSuite();
}

TEST_F(CleanupTest, ACrashedTestLeavesNothingEither) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    auto crashing = PrivateContainerd::Start();
    const std::string dir = crashing.ok() ? (*crashing)->dir() : "";
    if (::write(ends[1], dir.data(), dir.size()) < 0) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  ::close(ends[1]);
  std::string dir;
  std::array<char, 256> buffer{};
  // Ends when the child and its janitor, which has the write end from it, are both gone.
  for (ssize_t got; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    dir.append(buffer.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  ASSERT_NE(dir, "");
  EXPECT_FALSE(std::filesystem::exists(dir));
  EXPECT_FALSE(AnyProcessNames(dir));
}

}  // namespace
}  // namespace vortex::client
