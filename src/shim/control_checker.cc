// SPDX-License-Identifier: Apache-2.0
#include "shim/control_checker.h"

#include <algorithm>
#include <limits>

namespace vortex::shim {

void ControlChecker::Limit(const char* name, std::int64_t requested,
                           std::optional<std::uint64_t> effective, std::int64_t slack) {
  ControlReading reading{name, requested, 0, "not readable"};
  bool good = false;
  if (effective) {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    reading.effective = static_cast<std::int64_t>(std::min(*effective, kMax));
    reading.readback = std::to_string(*effective);
    good = reading.effective <= requested && reading.effective >= requested - slack;
  }
  if (!good) return Missing(name, std::to_string(requested), reading.readback);
  readings_->push_back(std::move(reading));
}

void ControlChecker::Missing(std::string name, const std::string& wanted, std::string seen) {
  if (missing_.ok()) {
    missing_ = FailedPrecondition("sandbox_unavailable: control " + name + ": asked for " + wanted +
                                  ", in force is " + (seen.empty() ? "nothing" : seen));
  }
  readings_->push_back({std::move(name), 1, 0, std::move(seen)});
}

}  // namespace vortex::shim
