// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace vortex::sandbox {

// How many events of one run are looked at: a burst, then so many a second. The thread that looks
// is outside of the plugin's cgroup, so what a plugin can make it do must have an end.
class EventBudget {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr double kBurst = 50'000;
  static constexpr double kPerSecond = 10'000;

  explicit EventBudget(Clock::time_point now) : last_(now) {}

  // False: this one is over the budget.
  bool Take(Clock::time_point now) {
    left_ =
        std::min(kBurst, left_ + kPerSecond * std::chrono::duration<double>(now - last_).count());
    last_ = now;
    if (left_ < 1) {
      ++dropped_;
      return false;
    }
    left_ -= 1;
    return true;
  }

  std::uint64_t dropped() const { return dropped_; }

 private:
  Clock::time_point last_;
  double left_ = kBurst;
  std::uint64_t dropped_ = 0;
};

}  // namespace vortex::sandbox
