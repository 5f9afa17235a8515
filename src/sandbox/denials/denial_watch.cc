// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/denial_watch.h"

#include <algorithm>
#include <utility>

#include "base/sha256.h"
#include "base/status.h"
#include "sandbox/denials/denial_error.h"

namespace vortex::sandbox {

void DenialWatch::Describe(const policy::Grant& grant, const policy::Watch& possible,
                           const std::string& run_id, const std::string& run_dir, JobFacts& facts) {
  config_.run_id = run_id;
  config_.run_dir = run_dir;
  config_.network = grant.watch.network && possible.network;
  config_.filesystem = grant.watch.filesystem && possible.filesystem;
  config_.has_capabilities = !grant.capabilities.empty();
  for (const oci::MountGrant& mount : grant.mounts)
    config_.granted_mounts.push_back(mount.destination);
  // Where the loader looks for a driver's libraries, one directory after the other.
  if (!grant.gpus.empty()) config_.granted_mounts.push_back(oci::kCdiMountRoot);
  kind_ = Kind::kNone;
  if (!config_.network && !config_.filesystem) {
    why_not_ = "off by policy";
    return;
  }
  switch (grant.runtime_class) {
    case oci::RuntimeClass::kRunc:
    case oci::RuntimeClass::kCrun:
      why_not_ = WhyNoSeccompObserver(run_dir);
      if (!why_not_.empty()) return;
      kind_ = Kind::kSeccomp;
      // Of a token that only the host and the sandbox's init know.
      config_.metadata = base::Sha256::Digest("seccomp listener " + facts.init_token);
      facts.watch = {config_.network, config_.filesystem, SeccompListenerPath(run_dir),
                     config_.metadata};
      break;
    case oci::RuntimeClass::kGvisor:
      kind_ = Kind::kTrace;
      facts.trace_config_path = TraceConfigPath(run_dir);
      break;
    default:
      why_not_ = "unavailable: runtime class " + std::string(oci::Name(grant.runtime_class)) +
                 " tells nothing to the host";
      break;
  }
}

absl::Status DenialWatch::Start(std::uint32_t plugin_host_uid) {
  config_.plugin_host_uid = plugin_host_uid;
  if (kind_ == Kind::kNone) return absl::OkStatus();
  auto observer =
      kind_ == Kind::kSeccomp ? StartSeccompObserver(config_) : StartTraceObserver(config_);
  if (!observer.ok()) return Annotate(observer.status(), "denial observer");
  observer_ = *std::move(observer);
  return absl::OkStatus();
}

void DenialWatch::Finish(SandboxResult& result) {
  if (!observer_) {
    for (const char* name : {"network", "filesystem", "syscall"})
      result.observation.observers.push_back({.name = name, .why = why_not_});
    return;
  }
  Observed observed = observer_->Stop();
  observer_.reset();
  MergeDenials(std::move(observed.denials), result.denials);
  result.observation = std::move(observed.observation);
  result.denial_error = ExplainFailure(result);
}

void MergeDenials(std::vector<Denial> seen, std::vector<Denial>& denials) {
  std::erase_if(denials, [&](const Denial& hint) {
    return hint.witness == "guest" &&
           std::any_of(seen.begin(), seen.end(), [&](const Denial& record) {
             return record.errno_value == hint.errno_value &&
                    (hint.target.empty() || hint.target == record.target ||
                     hint.control == "network");
           });
  });
  denials.insert(denials.begin(), std::make_move_iterator(seen.begin()),
                 std::make_move_iterator(seen.end()));
}

}  // namespace vortex::sandbox
