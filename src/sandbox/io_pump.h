// SPDX-License-Identifier: Apache-2.0
// Moves the bytes of one running sandbox and watches over it: stdin in, stdout and stderr out, the
// exit, the deadline, the caller's cancellation and the output limit; one thread, one poll(2) loop.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancellation.h"
#include "base/unique_fd.h"
#include "client/tasks.h"
#include "sandbox/verdict.h"

namespace vortex::sandbox {

struct PumpConfig {
  base::UniqueFd stdin_fd;      // non-blocking FIFO ends
  base::UniqueFd stdin_keeper;  // a read end, held until the payload has been taken
  base::UniqueFd stdout_fd;
  base::UniqueFd stderr_fd;
  base::UniqueFd pidfd;  // pid 1 of the sandbox
  std::string_view payload;
  std::chrono::steady_clock::time_point deadline;
  std::string deadline_text;             // "the budget of 2s"
  std::uint64_t output_total_limit = 0;  // bytes of both streams; passed: killed
  base::Cancellation* cancel = nullptr;
  std::function<void(std::string_view)> on_stdout;
  std::function<void(std::string_view)> on_stderr;
  // All of the payload has been taken and our end is closed.
  std::function<void()> on_stdin_done;
  // Whether containerd answers and knows the task; asked when waiting for the exit failed. Must be
  // quick.
  std::function<absl::Status()> probe;
  // Begins to wait for the exit again, after a probe that was ok.
  std::function<std::unique_ptr<client::PendingExit>()> start_wait;
};

struct PumpResult {
  KillIntent kill_intent = KillIntent::kNone;
  std::string kill_detail;
  bool output_limit_passed = false;
  std::optional<std::uint32_t> exit_status;     // absent: containerd could not tell
  std::chrono::steady_clock::time_point ended;  // when the exit was seen
  bool stdout_complete = false;                 // its end was seen
  bool stderr_complete = false;
};

class IoPump {
 public:
  // `wait` was started before the task was.
  IoPump(PumpConfig config, std::unique_ptr<client::PendingExit> wait);

  // Returns once the sandbox is dead and its output drained, or given up for lost. Bounded: what is
  // killed is dead within kExitGrace, output of a dead sandbox ends within kDrainGrace.
  PumpResult Run();

 private:
  using Clock = std::chrono::steady_clock;

  bool Finished() const;
  int PollTimeoutMs() const;
  void Dispatch(const pollfd* fds);
  void WriteStdin();
  void ReadOutput(base::UniqueFd& fd, bool& complete,
                  const std::function<void(std::string_view)>& sink);
  void TakeExit();
  void CheckClock();
  void WaitAgain();
  void Kill(KillIntent intent, std::string detail);
  void CloseStdin();

  PumpConfig config_;
  std::unique_ptr<client::PendingExit> wait_;
  PumpResult result_;
  std::size_t stdin_written_ = 0;
  std::uint64_t output_total_ = 0;
  bool process_dead_ = false;  // by the pidfd
  bool exit_known_ = false;
  std::optional<Clock::time_point> killed_at_;
  std::optional<Clock::time_point> dead_at_;
  std::optional<Clock::time_point> containerd_lost_at_;
  std::optional<Clock::time_point> next_wait_at_;
  std::string lost_detail_;
  std::string buffer_;
};

}  // namespace vortex::sandbox
