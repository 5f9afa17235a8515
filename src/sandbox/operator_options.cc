// SPDX-License-Identifier: Apache-2.0
#include "sandbox/operator_options.h"

#include <memory>
#include <utility>

#include "sandbox/metrics.h"

namespace vortex::sandbox {
EmbeddedOptions WithOperatorOptions(EmbeddedOptions options) {
  if (!options.policy.audit.directory.empty()) options.audit = options.policy.audit;
  if (!options.metrics) {
    MetricsOptions metrics;
    metrics.plugins = options.policy.metrics.plugin_labels;
    options.metrics = std::make_shared<Metrics>(metrics);
  }
  return options;
}

}  // namespace vortex::sandbox
