// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/result.h"

namespace vortex::sandbox {

// Cuts a run's time into named phases; one runs at a time. Monotonic clock. Not thread-safe.
class PhaseClock {
 public:
  using Clock = std::chrono::steady_clock;

  // `called` is when the caller called: before now when the run had to wait for its thread.
  PhaseClock(std::function<void(std::string_view)> on_phase, Clock::time_point called)
      : start_(called), on_phase_(std::move(on_phase)) {}

  Clock::time_point start() const { return start_; }

  // Ends the current phase at `now` and begins the next.
  void Begin(const char* name, Clock::time_point now = Clock::now()) {
    End(now);
    current_ = name;
    phase_start_ = now;
    if (on_phase_) on_phase_(name);
  }

  void End(Clock::time_point now = Clock::now()) {
    if (current_ == nullptr) return;
    phases_.push_back(
        {current_, std::chrono::duration_cast<std::chrono::microseconds>(now - phase_start_)});
    current_ = nullptr;
  }

  // Ends the last phase and gives all of them, with the total.
  std::vector<Phase> Finish(std::chrono::microseconds& total) {
    const Clock::time_point now = Clock::now();
    End(now);
    total = std::chrono::duration_cast<std::chrono::microseconds>(now - start_);
    return std::move(phases_);
  }

 private:
  const Clock::time_point start_;
  std::function<void(std::string_view)> on_phase_;
  const char* current_ = nullptr;
  Clock::time_point phase_start_;
  std::vector<Phase> phases_;
};

}  // namespace vortex::sandbox
