// SPDX-License-Identifier: Apache-2.0
// The numbers of all runs of a process, for Prometheus (docs/user/metrics.md). Names vortex_*, base
// units, labels from small fixed sets: never a run id, a plugin's id only when the operator lists
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "sandbox/result.h"
#include "sandbox/runner.h"

namespace prometheus {
class Registry;
}

namespace vortex::sandbox {

struct MetricsOptions {
  // Plugin ids that get series of their own (vortex_plugin_runs_total). Each costs one series a
  // cause.
  std::vector<std::string> plugins;
};

// Thread-safe.
class Metrics {
 public:
  explicit Metrics(const MetricsOptions& options = {});
  ~Metrics();

  // `decision` is DecisionName's; the family is that of the first of the result's rules that
  // refused ("limits" of "limits.memory.request"), or "none".
  void Decided(std::string_view decision, const SandboxResult& result);
  void Finished(const RunRequest& request, const SandboxResult& result);
  void AuditWritten(std::size_t records);
  void AuditLost(std::size_t records);

  // Prometheus text format, version 0.0.4.
  std::string Text() const;
  // For an exposer (metrics_exposer.h).
  std::shared_ptr<prometheus::Registry> registry() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// How long after its deadline the plugin's process was gone, in seconds; negative when it was not
// the deadline that ended it, or it had not been started.
double DeadlineOverrunSeconds(const SandboxResult& result);

}  // namespace vortex::sandbox
