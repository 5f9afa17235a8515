// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "client/client.h"
#include "oci/cdi_edits.h"
#include "oci/job.h"
#include "policy/gate.h"
#include "sandbox/bundle.h"
#include "sandbox/denials/denial_watch.h"
#include "sandbox/egress.h"
#include "sandbox/environment.h"
#include "sandbox/id_range.h"
#include "sandbox/io_pump.h"
#include "sandbox/phase_clock.h"
#include "sandbox/record_scanner.h"
#include "sandbox/run_dir.h"
#include "sandbox/run_record.h"
#include "sandbox/runner.h"
#include "sandbox/stream_capture.h"

namespace vortex::sandbox {

// One run, step by step; used once, by one thread. The steps are the private methods in their
// order.
class RunSession {
 public:
  RunSession(Environment& environment, const RunRequest& request);

  absl::StatusOr<SandboxResult> Run();
  absl::StatusOr<SandboxResult> DryRun();

 private:
  // Run, but for the last lines of the record.
  absl::StatusOr<SandboxResult> Attempt();
  // The request is runnable and granted, or an error says why not. Creates nothing.
  absl::Status Admit();
  // The spec for these names and ids.
  // `shim_deadline`: unix ns at which the shim kills by itself, 0: never.
  absl::Status BuildSpec(const oci::IdRange& ids, std::int64_t shim_deadline);
  // Reserves the run's names and ids, then everything up to the created, verified, not yet started
  // task.
  absl::Status Prepare(client::Client& client);
  absl::Status CreateContainer(client::Client& client);
  absl::Status CreateTask(client::Client& client, const RootFs& rootfs);
  // What the kernel reads back is what was asked for; else FailedPrecondition names the control.
  absl::Status VerifyLimits();
  // Starts the task and stays with it until it is dead.
  absl::Status Execute(client::Client& client);
  // Turns what was seen into the verdict.
  void Settle(const PumpResult& pumped);
  // The shim's report into the facts and the result; without one, the cgroup's counters.
  void TakeShimReport(RunFacts& facts);
  void Reclaim(client::Client& client);

  // Deadline and cancellation, between two steps.
  absl::Status CheckGoOn() const;
  client::CallOptions CallOptions() const;
  void Refuse(Cause cause, const absl::Status& status);
  Cause CauseOf(const absl::Status& status) const;
  SandboxResult Finish();

  Environment& env_;
  const RunRequest& request_;
  RunRecord record_;
  PhaseClock clock_;
  SandboxResult result_;

  Bundle bundle_;
  policy::Grant grant_;
  oci::CdiGrant devices_;       // what its CDI names stand for
  std::string runtime_binary_;  // absolute path
  oci::Resources resources_;    // of the spec
  std::vector<Phase> shim_phases_;
  std::string init_token_;
  std::string result_token_;
  DenialWatch watch_;
  std::optional<RunDir> dir_;
  std::optional<IdRange> ids_;
  std::unique_ptr<EgressLink> egress_;  // when hosts were granted
  base::UniqueFd stdout_fd_, stderr_fd_, stdin_fd_, stdin_keeper_, pidfd_;
  CgroupLimits readback_;
  std::optional<StreamCapture> stdout_capture_, stderr_capture_;
  std::optional<RecordScanner> scanner_;
};

}  // namespace vortex::sandbox
