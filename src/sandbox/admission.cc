// SPDX-License-Identifier: Apache-2.0
#include "sandbox/admission.h"

#include <string>
#include <utility>

#include "base/status.h"
#include "sandbox/runtime_classes.h"

namespace vortex::sandbox {
namespace {

void Refuse(policy::Decision& decision, const char* rule, const std::string& message) {
  decision.grant = Error(absl::StatusCode::kFailedPrecondition, "[{}] {}", rule, message);
  decision.rules.push_back({rule, "refused", message, "built in"});
}

// ---- Granted, and not in this version. Whoever builds one of these takes its lines away. ----
void RefuseWhatIsNotBuilt(policy::Decision& decision) {
  if (!decision.grant.ok()) return;
  const policy::Grant grant = *decision.grant;
  if (!grant.gpus.empty()) {
    Refuse(decision, "gpus.no-resolver",
           fmt::format("the device {} is granted, but this version resolves no CDI names",
                       grant.gpus.front()));
  }
}

}  // namespace

policy::NodeFacts ReadNodeFacts(const EmbeddedOptions& options) {
  policy::NodeFacts facts;
  facts.today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  facts.default_class = options.classes.default_class;
  for (const RuntimeClassInfo& row : options.classes.rows) {
    const auto ready = FindReady(options.classes, row.runtime_class);
    facts.classes.push_back(
        {row.runtime_class, ready.ok() ? std::string() : std::string(Message(ready.status()))});
  }
  return facts;
}

policy::Decision Admission(const EmbeddedOptions& options, const RunRequest& request,
                           const Bundle& bundle) {
  policy::NodeFacts facts = ReadNodeFacts(options);
  facts.bundle_digest = bundle.digest;
  policy::RunRequest asked;
  asked.limits = request.limits;
  asked.runtime_class = request.runtime_class;
  policy::Decision decision = policy::Gate(bundle.manifest, asked, options.policy, facts);
  RefuseWhatIsNotBuilt(decision);
  return decision;
}

}  // namespace vortex::sandbox
