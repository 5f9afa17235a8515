// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "policy/gate.h"
#include "sandbox/denials/observer.h"
#include "sandbox/job.h"
#include "sandbox/result.h"

namespace vortex::sandbox {

// The watching of one run, from the spec to the result.
class DenialWatch {
 public:
  // Decides by grant and runtime class what watches, and puts it into the job.
  // `possible`: what the runner watches at most.
  void Describe(const policy::Grant& grant, const policy::Watch& possible,
                const std::string& run_id, const std::string& run_dir, JobFacts& facts);
  // Begins to watch; before the task is created. The run directory is there.
  absl::Status Start(std::uint32_t plugin_host_uid);
  // Adds what was seen to the result, which has the counters' and the plugin's own denials and its
  // failure. The plugin is dead.
  void Finish(SandboxResult& result);

 private:
  enum class Kind { kNone, kSeccomp, kTrace };

  Kind kind_ = Kind::kNone;
  std::string why_not_;
  ObserverConfig config_;
  std::unique_ptr<DenialObserver> observer_;
};

// Puts `seen` before what the plugin hints at, and leaves out hints that say the same again.
void MergeDenials(std::vector<Denial> seen, std::vector<Denial>& denials);

}  // namespace vortex::sandbox
