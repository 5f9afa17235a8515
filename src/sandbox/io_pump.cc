// SPDX-License-Identifier: Apache-2.0
#include "sandbox/io_pump.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/pidfd.h"
#include "base/sigpipe.h"
#include "base/status.h"

namespace vortex::sandbox {
namespace {

using std::chrono::milliseconds;

// SIGKILL of a pid namespace's init takes everything in it; more than this means a process stuck in
// the kernel, or that containerd does not tell us.
constexpr milliseconds kExitGrace{5000};
// The shim copies what is left in its pipes after the exit.
constexpr milliseconds kDrainGrace{2000};
// How long containerd may be away (a restart) before a run is given up.
constexpr milliseconds kContainerdGrace{3000};
constexpr milliseconds kWaitRetry{100};
constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::size_t kPipeBytes = 64 * 1024;  // pipe(7): the default capacity

enum Slot { kStdin, kStdout, kStderr, kExit, kPidfd, kCancel, kSlots };

}  // namespace

IoPump::IoPump(PumpConfig config, std::unique_ptr<client::PendingExit> wait)
    : config_(std::move(config)), wait_(std::move(wait)), buffer_(kBufferBytes, '\0') {
  // A pipe of one page is writable again exactly when it has been emptied: that is how we know that
  // the payload was taken. A payload larger than a pipe has been taken in part when the last of it
  // could be written, which says as much. F_SETPIPE_SZ rounds up to a page (fcntl(2)).
  if (config_.payload.size() <= kPipeBytes) ::fcntl(config_.stdin_fd.get(), F_SETPIPE_SZ, 1);
}

PumpResult IoPump::Run() {
  const base::SigpipeBlock no_sigpipe;
  if (config_.payload.empty()) CloseStdin();
  while (!Finished()) {
    // A negative descriptor makes poll(2) skip the slot.
    pollfd fds[kSlots] = {{config_.stdin_fd.get(), POLLOUT, 0},
                          {config_.stdout_fd.get(), POLLIN, 0},
                          {config_.stderr_fd.get(), POLLIN, 0},
                          {wait_ ? wait_->fd() : -1, POLLIN, 0},
                          {process_dead_ ? -1 : config_.pidfd.get(), POLLIN, 0},
                          {config_.cancel != nullptr && result_.kill_intent == KillIntent::kNone
                               ? config_.cancel->fd()
                               : -1,
                           POLLIN, 0}};
    if (::poll(fds, kSlots, PollTimeoutMs()) > 0) Dispatch(fds);
    CheckClock();
  }
  CloseStdin();
  return std::move(result_);
}

bool IoPump::Finished() const {
  const auto now = Clock::now();
  // Lost and dead: nobody will tell the status. Killed and still not dead: nothing more can be done
  // here.
  const bool given_up = (result_.kill_intent == KillIntent::kLost && process_dead_ && !wait_) ||
                        (killed_at_ && now - *killed_at_ >= kExitGrace);
  if (!exit_known_ && !given_up) return false;
  const bool drained = !config_.stdout_fd && !config_.stderr_fd;
  return drained || (dead_at_ && now - *dead_at_ >= kDrainGrace) || (given_up && !exit_known_);
}

int IoPump::PollTimeoutMs() const {
  Clock::time_point next = Clock::time_point::max();
  const auto consider = [&](Clock::time_point t) { next = std::min(next, t); };
  if (!killed_at_ && !process_dead_ && !exit_known_) consider(config_.deadline);
  if (killed_at_ && !exit_known_) consider(*killed_at_ + kExitGrace);
  if (dead_at_) consider(*dead_at_ + (exit_known_ ? kDrainGrace : kExitGrace));
  if (next_wait_at_) consider(*next_wait_at_);
  if (containerd_lost_at_ && !killed_at_) consider(*containerd_lost_at_ + kContainerdGrace);
  if (next == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void IoPump::Dispatch(const pollfd* fds) {
  if (fds[kStdin].revents != 0) WriteStdin();
  if (fds[kStdout].revents != 0)
    ReadOutput(config_.stdout_fd, result_.stdout_complete, config_.on_stdout);
  if (fds[kStderr].revents != 0)
    ReadOutput(config_.stderr_fd, result_.stderr_complete, config_.on_stderr);
  if (fds[kPidfd].revents != 0) {
    process_dead_ = true;
    if (!dead_at_) {
      dead_at_ = result_.ended = Clock::now();
    }
  }
  if (fds[kExit].revents != 0) TakeExit();
  if (fds[kCancel].revents != 0) Kill(KillIntent::kCancelled, "");
}

void IoPump::CheckClock() {
  const auto now = Clock::now();
  if (!process_dead_ && !exit_known_ && now >= config_.deadline) {
    Kill(KillIntent::kDeadline, config_.deadline_text);
  }
  if (next_wait_at_ && now >= *next_wait_at_) {
    WaitAgain();
  }
  const bool containerd_lost =
      containerd_lost_at_ && now - *containerd_lost_at_ >= kContainerdGrace;
  const bool exit_overdue = !exit_known_ && dead_at_ && now - *dead_at_ >= kExitGrace;
  if (!exit_known_ && (containerd_lost || exit_overdue)) {
    wait_.reset();
    next_wait_at_.reset();
    Kill(KillIntent::kLost,
         lost_detail_.empty() ? "containerd did not report its end" : lost_detail_);
  }
}

// containerd may have been restarted: its tasks are there again once it answers.
void IoPump::WaitAgain() {
  next_wait_at_.reset();
  const absl::Status status = config_.probe();
  if (status.ok()) {
    containerd_lost_at_.reset();
    wait_ = config_.start_wait();
  } else {
    lost_detail_ = Message(status);
    next_wait_at_ = Clock::now() + kWaitRetry;
  }
}

void IoPump::WriteStdin() {
  const std::string_view rest = config_.payload.substr(stdin_written_);
  // Closed before a shim that is slow has opened its end, the payload would be lost with the pipe.
  if (rest.empty()) return CloseStdin();
  const ssize_t n = ::write(config_.stdin_fd.get(), rest.data(), rest.size());
  if (n >= 0) {
    stdin_written_ += static_cast<std::size_t>(n);
  } else if (errno != EAGAIN && errno != EINTR) {
    // EPIPE: the plugin's side closed its stdin; a plugin need not read its payload.
    CloseStdin();
  }
}

void IoPump::CloseStdin() {
  if (!config_.stdin_fd) return;
  config_.stdin_fd.Reset();
  config_.stdin_keeper.Reset();
  config_.on_stdin_done();
}

void IoPump::ReadOutput(base::UniqueFd& fd, bool& complete,
                        const std::function<void(std::string_view)>& sink) {
  const ssize_t n = ::read(fd.get(), buffer_.data(), buffer_.size());
  if (n < 0) {
    if (errno != EAGAIN && errno != EINTR) fd.Reset();
    return;
  }
  if (n == 0) {
    complete = true;
    fd.Reset();
    return;
  }
  sink(std::string_view(buffer_).substr(0, static_cast<std::size_t>(n)));
  output_total_ += static_cast<std::uint64_t>(n);
  if (output_total_ > config_.output_total_limit && !result_.output_limit_passed) {
    result_.output_limit_passed = true;
    Kill(KillIntent::kOutputLimit, fmt::format("more than {} bytes", config_.output_total_limit));
  }
}

void IoPump::TakeExit() {
  absl::StatusOr<client::Exit> exit = wait_->Take();
  wait_.reset();
  if (exit.ok()) {
    exit_known_ = true;
    result_.exit_status = exit->status;
    if (!dead_at_) dead_at_ = result_.ended = Clock::now();
    return;
  }
  lost_detail_ = Message(exit.status());
  if (!containerd_lost_at_) containerd_lost_at_ = Clock::now();
  next_wait_at_ = Clock::now() + kWaitRetry;
}

void IoPump::Kill(KillIntent intent, std::string detail) {
  if (result_.kill_intent != KillIntent::kNone) return;
  result_.kill_intent = intent;
  result_.kill_detail = std::move(detail);
  killed_at_ = Clock::now();
  // Straight to the kernel: the shim would first start the runtime's command line for it, and
  // containerd may be the one that is gone. pid_namespaces(7): when init dies, all of its namespace
  // is killed.
  base::PidfdKill(config_.pidfd.get(), SIGKILL);
}

}  // namespace vortex::sandbox
