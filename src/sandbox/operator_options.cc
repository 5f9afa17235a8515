// SPDX-License-Identifier: Apache-2.0
#include "sandbox/operator_options.h"

#include <chrono>
#include <memory>
#include <utility>

#include "sandbox/metrics.h"

namespace vortex::sandbox {
namespace {

audit::Fsync FsyncOf(policy::AuditPolicy::Fsync fsync) {
  switch (fsync) {
    case policy::AuditPolicy::Fsync::kAlways:
      return audit::Fsync::kAlways;
    case policy::AuditPolicy::Fsync::kInterval:
      return audit::Fsync::kInterval;
    case policy::AuditPolicy::Fsync::kNever:
      break;
  }
  return audit::Fsync::kNever;
}

}  // namespace

EmbeddedOptions WithOperatorOptions(EmbeddedOptions options) {
  const policy::AuditPolicy& wanted = options.policy.audit;
  if (!wanted.directory.empty()) {
    options.audit.directory = wanted.directory;
    options.audit.fsync = FsyncOf(wanted.fsync);
    options.audit.on_full = wanted.on_full == policy::AuditPolicy::OnFull::kFailOpen
                                ? audit::OnFull::kFailOpen
                                : audit::OnFull::kFailClosed;
    options.audit.segment_bytes = static_cast<std::uint64_t>(wanted.segment_bytes);
    options.audit.segment_age =
        std::chrono::duration_cast<std::chrono::seconds>(wanted.segment_age);
  }
  if (!options.metrics) {
    MetricsOptions metrics;
    metrics.plugins = options.policy.metrics.plugin_labels;
    options.metrics = std::make_shared<Metrics>(metrics);
  }
  return options;
}

}  // namespace vortex::sandbox
