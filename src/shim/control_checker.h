// SPDX-License-Identifier: Apache-2.0
// Collects what the kernel says about the controls that a job asks for, and remembers the first
// that is missing. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shim/container.h"
#include "shim/status.h"

namespace vortex::shim {

class ControlChecker {
 public:
  explicit ControlChecker(std::vector<ControlReading>* readings) : readings_(readings) {}

  // `effective` must be in (requested - slack, requested].
  void Limit(const char* name, std::int64_t requested, std::optional<std::uint64_t> effective,
             std::int64_t slack);
  // In force as it should be; `seen` are the kernel's words.
  void Good(std::string name, std::string seen) {
    readings_->push_back({std::move(name), 1, 1, std::move(seen)});
  }
  // Not in force: the job must not start.
  void Missing(std::string name, const std::string& wanted, std::string seen);
  void Switch(const char* name, bool good, const std::string& wanted, std::string seen) {
    if (good) return Good(name, std::move(seen));
    Missing(name, wanted, std::move(seen));
  }
  // Nobody outside can see it, and why: reported, and no reason to refuse.
  void Unseen(const char* name, std::string why) {
    readings_->push_back({name, 1, 0, std::move(why)});
  }

  // FailedPrecondition "sandbox_unavailable: control <name>: …" for the first one missing.
  const Status& result() const { return missing_; }

 private:
  std::vector<ControlReading>* readings_;
  Status missing_;
};

}  // namespace vortex::shim
