// SPDX-License-Identifier: Apache-2.0
#include "integration/sandbox/vortexctl.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/pidfd.h"

namespace vortex::testing {

Vortexctl::Vortexctl(const sandbox::EmbeddedOptions& options, std::vector<std::string> args,
                     unsigned uid) {
  std::string pattern = ::testing::TempDir() + "/vortexctl-XXXXXX";
  EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
  dir_ = pattern;
  args.insert(args.begin(), {VORTEX_TEST_VORTEXCTL, "--address", options.address, "--state-dir",
                             options.state_dir, "--data-dir", options.data_dir, "--image",
                             options.image, "--cgroup-parent", options.cgroup_parent});
  if (!options.policy.file.empty())
    args.insert(args.begin() + 1, {"--policy", options.policy.file});
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  const std::string out = dir_ + "/out", err = dir_ + "/err";
  const int out_fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const int err_fd = ::open(err.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(out_fd, 1);
    ::dup2(err_fd, 2);
    if (uid != 0 && (::setgid(uid) != 0 || ::setuid(uid) != 0)) ::_exit(99);
    ::execv(argv[0], argv.data());
    ::_exit(98);
  }
  ::close(out_fd);
  ::close(err_fd);
  auto pidfd = base::PidfdOpen(pid_);
  EXPECT_TRUE(pidfd.ok());
  pidfd_ = std::move(pidfd).value();
}

Vortexctl::~Vortexctl() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  base::RemoveTree(dir_).IgnoreError();
}

void Vortexctl::Signal(int signal) const { base::PidfdKill(pidfd_.get(), signal); }

bool Vortexctl::EndsWithin(std::chrono::milliseconds timeout) const {
  pollfd poll{pidfd_.get(), POLLIN, 0};
  return ::poll(&poll, 1, static_cast<int>(timeout.count())) == 1;
}

Ended Vortexctl::Wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  Ended ended;
  ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ended.out = base::ReadFile(dir_ + "/out", 64 << 20).value_or("");
  ended.err = base::ReadFile(dir_ + "/err", 64 << 20).value_or("");
  return ended;
}

}  // namespace vortex::testing
