// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "base/unique_fd.h"

namespace vortex::base {

// A one-way switch that says "stop": pollable, and able to call back. Thread-safe. Outlives every
// call it is handed to.
class Cancellation {
 public:
  Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  // Throws the switch; later calls do nothing. Runs the callbacks in this thread. Not for use in a
  // signal handler: there, write 8 bytes to fd() and let a thread that polls it call Cancel().
  void Cancel();
  bool cancelled() const;

  // An eventfd (eventfd(2)), readable for ever once cancelled. Owned by this object.
  int fd() const { return event_.get(); }

  // Calls `callback` on Cancel(), at once when that has happened already, until the returned guard
  // is gone. The guard's destructor waits for a callback that is running in another thread.
  class Guard {
   public:
    Guard() = default;
    Guard(Cancellation* owner, std::uint64_t id) : owner_(owner), id_(id) {}
    Guard(Guard&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), id_(other.id_) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard();

   private:
    Cancellation* owner_ = nullptr;
    std::uint64_t id_ = 0;
  };
  [[nodiscard]] Guard OnCancel(std::function<void()> callback);

 private:
  // Recursive: a callback may end the call whose guard it belongs to.
  mutable std::recursive_mutex mutex_;
  bool cancelled_ = false;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::function<void()>> callbacks_;
  UniqueFd event_;
};

// Blocks for `time`. Returns early and false when `cancel` (may be null) is thrown meanwhile.
bool Pause(std::chrono::milliseconds time, const Cancellation* cancel);

}  // namespace vortex::base
