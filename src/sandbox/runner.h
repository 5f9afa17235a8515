// SPDX-License-Identifier: Apache-2.0
// One run of a plugin, from request to result.
//
//   VX_ASSIGN_OR_RETURN(auto runner, sandbox::CreateEmbeddedRunner(options));
//   VX_ASSIGN_OR_RETURN(sandbox::SandboxResult result,
//                       runner->Run({.plugin = "examples/word-count", .payload = R"({"text":"a b
//                       a"})"}));
//   if (result.termination.cause == sandbox::Cause::kOk) Use(result.output);
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/cancellation.h"
#include "oci/job.h"
#include "policy/limits.h"
#include "sandbox/result.h"

namespace vortex::sandbox {

// Largest payload and largest return value, in bytes of JSON text.
inline constexpr std::size_t kMaxPayloadBytes = 16 << 20;

struct RunRequest {
  // A bundle directory, or the digest ("sha256:…") of a bundle that was run before.
  std::string plugin;
  // When given: the id that the bundle's manifest must have, so that a bundle that was changed
  // since it was found cannot pass for another plugin.
  std::string plugin_id = {};
  // One JSON text (RFC 8259), at most kMaxPayloadBytes.
  std::string payload = "null";
  // Empty: the operator's default.
  std::optional<oci::RuntimeClass> runtime_class;
  // May only narrow what the manifest (or the default) gives. `limits.budget` is wall time from the
  // call of Run to the end of the plugin.
  policy::LimitRequest limits;
  // W3C trace context of the caller, "00-<trace id>-<parent id>-<flags>"; empty: none. Goes into
  // the audit log, never into the sandbox.
  std::string traceparent;
  // Ends the run early: the sandbox is killed, the cause is `cancelled`. Not owned; may be null.
  base::Cancellation* cancel = nullptr;
  // When the caller called, if that was before the call of Run: the budget counts from here, and
  // the wait until now is the phase "queue".
  std::optional<std::chrono::steady_clock::time_point> called;
  // Told each phase as it begins, from the calling thread; for progress.
  std::function<void(std::string_view phase)> on_phase;
  // Told what the plugin prints, as it comes and without the protocol's records, from the calling
  // thread. Must not block: the thread also keeps the deadline. What the result keeps does not
  // depend on it.
  std::function<void(std::string_view bytes)> on_stdout;
  std::function<void(std::string_view bytes)> on_stderr;
};

// Thread-safe: any number of threads may call Run at once; each call blocks its thread until the
// sandbox is gone.
class SandboxRunner {
 public:
  virtual ~SandboxRunner() = default;

  // A result for everything that happened to a run, also when the gate or the node refused it
  // (policy_denied, sandbox_unavailable). An error only for a request that says nothing runnable:
  //   InvalidArgument  payload, limits or manifest are malformed; the message names the field and
  //   the value NotFound         no such bundle
  virtual absl::StatusOr<SandboxResult> Run(const RunRequest& request) = 0;

  // What Run would hand to the runtime: the canonical OCI spec. Touches neither containerd nor the
  // kernel.
  virtual absl::StatusOr<SandboxResult> DryRun(const RunRequest& request) = 0;
};

}  // namespace vortex::sandbox
