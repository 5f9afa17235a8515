// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "sandbox/denials/observer.h"

namespace vortex::sandbox {

// The thread of an observer, whose last member it is: it ends before what it uses goes away.
class ObserverThread {
 public:
  // `stop`: an eventfd.
  explicit ObserverThread(base::UniqueFd stop) : stop_(std::move(stop)) {}
  ~ObserverThread() { Join(); }

  // Runs `serve` until that returns, with all signals blocked and before others on a busy node.
  void Start(std::function<void()> serve);
  // Readable once Join was called.
  int stop_fd() const { return stop_.get(); }
  void Join();

 private:
  base::UniqueFd stop_;
  std::thread thread_;
};

// What is told of an observer, a row for each kind of denial. `why_not`: why it saw nothing; empty
// when it was there. `whole`: nothing but what is counted in `dropped` can be missing.
Observation DescribeObserver(const ObserverConfig& config, const char* witness,
                             const std::string& why_not, std::uint64_t dropped, bool whole);

}  // namespace vortex::sandbox
