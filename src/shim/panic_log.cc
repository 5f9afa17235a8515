// SPDX-License-Identifier: Apache-2.0
#include "shim/panic_log.h"

#include "shim/files.h"

namespace vortex::shim {

std::string PanicReason(std::string_view log) {
  constexpr std::size_t kMost = 300;
  std::string_view first;
  while (!log.empty()) {
    const std::string_view line = Trim(NextLine(&log));
    for (const std::string_view start : {"panic:", "fatal error:", "runtime:", "SIG"}) {
      if (line.starts_with(start)) return std::string(line.substr(0, kMost));
    }
    if (first.empty()) first = line;
  }
  return std::string(first.substr(0, kMost));
}

}  // namespace vortex::shim
