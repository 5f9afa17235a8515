// SPDX-License-Identifier: Apache-2.0
#include "sandbox/metrics_exposer.h"

#include <prometheus/exposer.h>
#include <prometheus/registry.h>

#include <exception>
#include <utility>

#include "base/status.h"

namespace vortex::sandbox {

struct MetricsExposer::Impl {
  Impl(const std::string& address, std::shared_ptr<prometheus::Registry> served)
      : registry(std::move(served)), exposer(address, 1) {
    exposer.RegisterCollectable(registry);
  }
  std::shared_ptr<prometheus::Registry> registry;  // the exposer keeps no hold of it
  prometheus::Exposer exposer;
};

MetricsExposer::MetricsExposer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsExposer::~MetricsExposer() = default;

absl::StatusOr<std::unique_ptr<MetricsExposer>> MetricsExposer::Serve(const std::string& address,
                                                                      const Metrics& metrics) {
  // prometheus-cpp throws what its web server throws.
  try {
    return std::unique_ptr<MetricsExposer>(
        new MetricsExposer(std::make_unique<Impl>(address, metrics.registry())));
  } catch (const std::exception& error) {
    return Error(absl::StatusCode::kUnavailable, "serve metrics at {}: {}", address, error.what());
  }
}

}  // namespace vortex::sandbox
