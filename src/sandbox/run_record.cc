// SPDX-License-Identifier: Apache-2.0
#include "sandbox/run_record.h"

#include "base/status.h"
#include "sandbox/audit_events.h"

namespace vortex::sandbox {

absl::Status RunRecord::Ready() {
  if (log_ == nullptr || log_->options().on_full == audit::OnFull::kFailOpen)
    return absl::OkStatus();
  return log_->Write({}, audit::Log::kBeginning).status();
}

absl::Status RunRecord::Decided(const SandboxResult& result, const absl::Status& admitted) {
  decided_ = true;
  metrics_.Decided(DecisionName(admitted), result);
  if (log_ == nullptr) return absl::OkStatus();
  const absl::Status written =
      Write({DecisionEvent(request_, result, admitted)}, audit::Log::kBeginning).status();
  return log_->options().on_full == audit::OnFull::kFailOpen ? absl::OkStatus() : written;
}

void RunRecord::Started(const SandboxResult& result) {
  if (log_ != nullptr) Write({StartEvent(request_, result)}, audit::Log::kUnderWay).IgnoreError();
}

void RunRecord::Finished(absl::StatusOr<SandboxResult>& result) {
  if (!result.ok()) {
    // Nothing runnable was asked for. It was asked all the same.
    if (!decided_) Decided(SandboxResult(), result.status()).IgnoreError();
    return;
  }
  if (log_ != nullptr) {
    const auto position = Write(EndEvents(request_, *result), audit::Log::kUnderWay);
    if (position.ok()) {
      trace_.seq = position->seq;
      trace_.hash = position->hash;
    }
    result->audit = trace_;
  }
  metrics_.Finished(request_, *result);
}

absl::StatusOr<audit::Position> RunRecord::Write(const std::vector<audit::Event>& events,
                                                 audit::Log::Moment moment) {
  absl::StatusOr<audit::Position> position = log_->Write(events, moment);
  if (position.ok()) {
    metrics_.AuditWritten(events.size());
  } else {
    metrics_.AuditLost(events.size());
    trace_.records_lost += events.size();
    trace_.error = Message(position.status());
  }
  return position;
}

}  // namespace vortex::sandbox
