// SPDX-License-Identifier: Apache-2.0
// The pump against a real child process and pipes; only containerd's answer is played.
#include "sandbox/io_pump.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "base/pidfd.h"
#include "base/status.h"

namespace vortex::sandbox {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Plays containerd's Wait: answers once the child has ended, or with an error at once.
class PlayedExit : public client::PendingExit {
 public:
  PlayedExit(pid_t pid, absl::Status error)
      : event_(::eventfd(0, EFD_CLOEXEC)), error_(std::move(error)) {
    waiter_ = std::thread([this, pid] {
      if (error_.ok()) {
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
        exit_.status = static_cast<std::uint32_t>(
            info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status);
      }
      const std::uint64_t one = 1;
      EXPECT_EQ(::write(event_.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
    });
  }
  ~PlayedExit() override {
    if (waiter_.joinable()) waiter_.join();
  }
  int fd() const override { return event_.get(); }
  absl::StatusOr<client::Exit> Take() override {
    waiter_.join();
    if (!error_.ok()) return error_;
    return exit_;
  }

 private:
  base::UniqueFd event_;
  absl::Status error_;
  client::Exit exit_;
  std::thread waiter_;
};

class IoPumpTest : public testing::Test {
 protected:
  // Runs `body` in a child whose stdin, stdout and stderr are pipes, and pumps it.
  PumpResult Pump(const std::function<int()>& body) {
    int in[2], out[2], err[2];
    EXPECT_EQ(::pipe2(in, O_CLOEXEC) | ::pipe2(out, O_CLOEXEC) | ::pipe2(err, O_CLOEXEC), 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::dup2(err[1], 2);
      for (int fd : {in[0], in[1], out[0], out[1], err[0], err[1]}) ::close(fd);
      ::_exit(body());
    }
    for (int fd : {in[0], out[1], err[1]}) ::close(fd);
    for (int fd : {in[1], out[0], err[0]}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    PumpConfig config;
    config.stdin_fd.Reset(in[1]);
    config.stdout_fd.Reset(out[0]);
    config.stderr_fd.Reset(err[0]);
    config.pidfd = std::move(base::PidfdOpen(child_)).value();
    config.payload = payload_;
    config.deadline = Clock::now() + budget_;
    config.output_total_limit = output_limit_;
    config.cancel = cancel_;
    config.on_stdout = [this](std::string_view bytes) { stdout_ += bytes; };
    config.on_stderr = [this](std::string_view bytes) { stderr_ += bytes; };
    config.on_stdin_done = [this] { ++stdin_done_; };
    config.probe = [this] { return wait_error_; };
    config.start_wait = [this] { return std::make_unique<PlayedExit>(child_, wait_error_); };
    auto wait = config.start_wait();
    IoPump pump(std::move(config), std::move(wait));
    PumpResult result = pump.Run();
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    return result;
  }

  std::string payload_ = "{}";
  milliseconds budget_{20'000};
  std::uint64_t output_limit_ = 1 << 30;
  base::Cancellation* cancel_ = nullptr;
  absl::Status wait_error_;
  pid_t child_ = -1;
  std::string stdout_, stderr_;
  int stdin_done_ = 0;
};

int CopyStdin() {
  char buffer[4096];
  for (ssize_t n; (n = ::read(0, buffer, sizeof buffer)) > 0;) {
    for (ssize_t done = 0; done < n;) {
      const ssize_t w = ::write(1, buffer + done, static_cast<std::size_t>(n - done));
      if (w < 0) return 9;
      done += w;
    }
  }
  return 0;
}

TEST_F(IoPumpTest, MovesAPayloadLargerThanThePipeBothWays) {
  payload_ = std::string(3 << 20, 'x');
  payload_[1 << 20] = '\0';
  const PumpResult result = Pump(CopyStdin);
  EXPECT_EQ(result.exit_status, 0u);
  EXPECT_TRUE(stdout_ == payload_);
  EXPECT_TRUE(result.stdout_complete);
  EXPECT_EQ(stdin_done_, 1);
}

TEST_F(IoPumpTest, AChildThatNeverReadsItsPayloadIsFine) {
  payload_ = std::string(1 << 20, 'x');
  const PumpResult result = Pump([] {
    ::close(0);
    return ::write(1, "out", 3) == 3 && ::write(2, "err", 3) == 3 ? 5 : 6;
  });
  EXPECT_EQ(result.exit_status, 5u);
  EXPECT_EQ(stdout_, "out");
  EXPECT_EQ(stderr_, "err");
}

TEST_F(IoPumpTest, KillsAtTheDeadline) {
  budget_ = milliseconds(100);
  const auto start = Clock::now();
  const PumpResult result = Pump([] {
    ::signal(SIGTERM, SIG_IGN);
    for (;;) ::pause();
    return 0;
  });
  EXPECT_EQ(result.kill_intent, KillIntent::kDeadline);
  EXPECT_EQ(result.exit_status, 137u);
  EXPECT_GE(result.ended - start, budget_);
}

TEST_F(IoPumpTest, KillsAtTheOutputLimit) {
  output_limit_ = 100'000;
  const PumpResult result = Pump([] {
    const std::string chunk(1000, 'y');
    while (::write(1, chunk.data(), chunk.size()) > 0) {
    }
    return 0;
  });
  EXPECT_TRUE(result.output_limit_passed);
  EXPECT_EQ(result.kill_intent, KillIntent::kOutputLimit);
}

TEST_F(IoPumpTest, KillsWhenTheCallerCancels) {
  base::Cancellation cancel;
  cancel_ = &cancel;
  cancel.Cancel();
  const PumpResult result = Pump([] {
    for (;;) ::pause();
    return 0;
  });
  EXPECT_EQ(result.kill_intent, KillIntent::kCancelled);
}

TEST_F(IoPumpTest, GivesUpARunThatContainerdLost) {
  wait_error_ = absl::UnavailableError("connection refused");
  const PumpResult result = Pump([] {
    for (;;) ::pause();
    return 0;
  });
  EXPECT_EQ(result.kill_intent, KillIntent::kLost);
  EXPECT_EQ(result.kill_detail, "connection refused");
  EXPECT_FALSE(result.exit_status.has_value());
}

}  // namespace
}  // namespace vortex::sandbox
