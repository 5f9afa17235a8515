// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/log.h"
#include "sandbox/metrics.h"
#include "sandbox/result.h"
#include "sandbox/runner.h"

namespace vortex::sandbox {

// Writes down one run, in the audit log and in the metrics, as it goes; used by one thread. With
// `on_full: fail_closed` an error says that the run must not be begun.
class RunRecord {
 public:
  // `log` is null when there is no audit log. Nothing is owned.
  RunRecord(audit::Log* log, Metrics& metrics, const RunRequest& request)
      : log_(log), metrics_(metrics), request_(request) {}

  // Before anything is looked at.
  absl::Status Ready();
  // After the gate, before anything is created. `admitted` is the gate's answer.
  absl::Status Decided(const SandboxResult& result, const absl::Status& admitted);
  void Started(const SandboxResult& result);
  // Whatever came of it. Completes the result's own account of its records.
  void Finished(absl::StatusOr<SandboxResult>& result);

 private:
  absl::StatusOr<audit::Position> Write(const std::vector<audit::Event>& events,
                                        audit::Log::Moment moment);

  audit::Log* log_;
  Metrics& metrics_;
  const RunRequest& request_;
  bool decided_ = false;
  AuditTrace trace_;
};

}  // namespace vortex::sandbox
