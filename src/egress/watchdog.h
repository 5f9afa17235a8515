// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "egress/beast.h"

namespace vortex::egress {

// Ends what a session is waiting for when it takes too long. Arm sets a deadline for a step; a step
// made of many transfers is kept alive by Touch, which costs no system call.
class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;

  Watchdog(asio::io_context& loop, std::function<void()> bite)
      : state_(std::make_shared<State>(loop, std::move(bite))) {}
  ~Watchdog() { Disarm(); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void Arm(std::chrono::milliseconds limit) {
    Disarm();
    state_->bitten = false;
    state_->limit = limit;
    state_->deadline = Clock::now() + limit;
    Wait(state_, ++state_->turn);
  }
  void Touch() { state_->deadline = Clock::now() + state_->limit; }
  void Disarm() {
    ++state_->turn;
    state_->timer.cancel();
  }
  bool bitten() const { return state_->bitten; }

 private:
  struct State {
    State(asio::io_context& loop, std::function<void()> on_bite)
        : timer(loop), bite(std::move(on_bite)) {}
    asio::steady_timer timer;
    std::function<void()> bite;
    std::chrono::milliseconds limit{0};
    Clock::time_point deadline;
    std::uint64_t turn = 0;  // of the arming: an older one's late call must not bite
    bool bitten = false;
  };

  static void Wait(const std::shared_ptr<State>& state, std::uint64_t turn) {
    state->timer.expires_at(state->deadline);
    state->timer.async_wait([state, turn](ErrorCode) {
      if (turn != state->turn) return;
      if (Clock::now() < state->deadline) return Wait(state, turn);
      state->bitten = true;
      state->bite();
    });
  }

  std::shared_ptr<State> state_;
};

}  // namespace vortex::egress
