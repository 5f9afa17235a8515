// SPDX-License-Identifier: Apache-2.0
#include "policy/limits.h"

namespace vortex::policy {

LimitSet DefaultLimits() { return {}; }

LimitSet MaximumLimits() {
  LimitSet out;
  out.memory_bytes = std::int64_t{4} << 30;
  out.millicpus = 8000;
  out.pids = 4096;
  out.budget = std::chrono::hours(1);
  out.tmp_bytes = 1 << 30;
  out.output_bytes = 64 << 20;
  return out;
}

// Below these nothing starts: a python3 alone takes 10 MiB and a handful of processes.
LimitSet MinimumLimits() {
  LimitSet out;
  out.memory_bytes = 8 << 20;
  out.millicpus = 10;
  out.pids = 4;
  out.budget = std::chrono::milliseconds(1);
  out.tmp_bytes = 4096;
  out.output_bytes = 1;
  return out;
}

}  // namespace vortex::policy
