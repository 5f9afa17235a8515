// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace vortex::policy {

// Limits that somebody asks for: a manifest, or a request. Absent: not asked for.
struct LimitRequest {
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::int64_t> millicpus;  // thousandths of a cpu
  std::optional<std::int64_t> pids;       // processes and threads
  std::optional<std::chrono::milliseconds>
      budget;  // wall time, from the call to the end of the plugin
  std::optional<std::int64_t> tmp_bytes;
  std::optional<std::int64_t> output_bytes;  // kept of stdout and of stderr, each
};

// Limits in force.
struct LimitSet {
  std::int64_t memory_bytes = 256 << 20;
  std::int64_t millicpus = 1000;
  std::int64_t pids = 64;
  std::chrono::milliseconds budget{10'000};
  std::int64_t tmp_bytes = 64 << 20;
  std::int64_t output_bytes = 1 << 20;
  // Not to be asked for; they follow from the node's point of view.
  std::int64_t output_total_bytes = 64 << 20;  // of both streams; more is killed
  std::int64_t nofile = 256;
  std::int64_t fsize_bytes = 64 << 20;
};

// What a plugin gets that asks for nothing: the values above.
LimitSet DefaultLimits();
// The most and the least that anybody can be given.
LimitSet MaximumLimits();
LimitSet MinimumLimits();

}  // namespace vortex::policy
