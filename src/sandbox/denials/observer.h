// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sandbox/result.h"

namespace vortex::sandbox {

// What an observer needs to know of its run.
struct ObserverConfig {
  std::string run_id;
  std::string run_dir;   // its sockets and files are made here
  std::string metadata;  // of the seccomp hand-over: proves that it is ours
  bool network = true;
  bool filesystem = true;
  std::uint32_t plugin_host_uid = 0;
  bool has_capabilities = false;
  std::vector<std::string> granted_mounts;
  std::vector<std::string> reachable_hosts;
};

struct Observed {
  std::vector<Denial> denials;
  Observation observation;
};

// Sees what one run attempts, from outside; works in a thread of its own from its creation on.
class DenialObserver {
 public:
  virtual ~DenialObserver() = default;
  // Once the plugin is dead: ends the thread and tells what it saw. Bounded.
  virtual Observed Stop() = 0;
};

// Why this node cannot watch by seccomp; empty: it can. Asked before the spec is made, which must
// not notify anybody then.
std::string WhyNoSeccompObserver(const std::string& run_dir);

// The observer for runtimes that load a seccomp filter; must be there before the task is created.
absl::StatusOr<std::unique_ptr<DenialObserver>> StartSeccompObserver(const ObserverConfig& config);

// The observer for gVisor: writes the trace session's file as well.
absl::StatusOr<std::unique_ptr<DenialObserver>> StartTraceObserver(const ObserverConfig& config);

// Where in a run's directory they listen.
std::string SeccompListenerPath(const std::string& run_dir);
std::string TraceSocketPath(const std::string& run_dir);
std::string TraceConfigPath(const std::string& run_dir);

// The annotation by which our shim hands the trace session to runsc.
inline constexpr char kTraceAnnotation[] = "io.vortex.trace-config";

}  // namespace vortex::sandbox
