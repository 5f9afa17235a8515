// SPDX-License-Identifier: Apache-2.0
// Serves Metrics over HTTP, for processes that live long. A library of its own
// (vortex_metrics_exposer): it brings a web server along, which vortexctl has no use for.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "sandbox/metrics.h"

namespace vortex::sandbox {

// GET /metrics, until it is destroyed. Threads of its own.
class MetricsExposer {
 public:
  // `address` as "127.0.0.1:9464". Unavailable: it cannot be bound.
  static absl::StatusOr<std::unique_ptr<MetricsExposer>> Serve(const std::string& address,
                                                               const Metrics& metrics);
  ~MetricsExposer();

 private:
  struct Impl;
  explicit MetricsExposer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vortex::sandbox
