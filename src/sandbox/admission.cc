// SPDX-License-Identifier: Apache-2.0
#include "sandbox/admission.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/status.h"
#include "sandbox/cdi_registry.h"
#include "sandbox/runtime_classes.h"

namespace vortex::sandbox {
namespace {

void Refuse(policy::Decision& decision, const char* rule, const std::string& message) {
  decision.grant = Error(absl::StatusCode::kFailedPrecondition, "[{}] {}", rule, message);
  decision.rules.push_back({rule, "refused", message, "built in"});
}

// The granted names as nodes, mounts and variables, each told as a decision.
absl::StatusOr<oci::CdiGrant> Resolve(const std::vector<std::string>& names,
                                      const std::vector<std::string>& dirs,
                                      std::vector<policy::RuleDecision>& rules) {
  const CdiRegistry registry = CdiRegistry::Read(dirs);
  VX_ASSIGN_OR_RETURN(const oci::CdiEdits edits, registry.Resolve(names));
  VX_ASSIGN_OR_RETURN(oci::CdiGrant devices, oci::JudgeCdiEdits(edits));
  for (const std::string& name : names) {
    const CdiDevice& device = *registry.Find(name);
    rules.push_back({"gpus.file", name, device.file_digest, device.where});
  }
  for (const oci::DeviceGrant& node : devices.devices) {
    const std::string& host_path = node.host_path.empty() ? node.path : node.host_path;
    rules.push_back({"gpus.node", node.path,
                     fmt::format("{} of the host, {} {}:{}, {}", host_path, node.type, node.major,
                                 node.minor, node.access),
                     "built in"});
  }
  for (const oci::MountGrant& mount : devices.mounts)
    rules.push_back({"gpus.mount", mount.destination, mount.source, "built in"});
  for (const std::string& entry : devices.env)
    rules.push_back({"gpus.env", entry, "of the granted devices", "built in"});
  for (const std::string& note : devices.notes)
    rules.push_back({"gpus.left-out", "none", note, "built in"});
  return devices;
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

Admitted Admission(const EmbeddedOptions& options, const RunRequest& request,
                   const Bundle& bundle) {
  policy::NodeFacts facts = ReadNodeFacts(options);
  facts.bundle_digest = bundle.digest;
  policy::RunRequest asked;
  asked.limits = request.limits;
  asked.runtime_class = request.runtime_class;
  Admitted out{policy::Gate(bundle.manifest, asked, options.policy, facts), {}};
  if (!out.decision.grant.ok() || out.decision.grant->gpus.empty()) return out;
  auto devices = Resolve(out.decision.grant->gpus, options.cdi_dirs, out.decision.rules);
  if (devices.ok())
    out.devices = *std::move(devices);
  else
    Refuse(out.decision, "gpus.unresolved", std::string(Message(devices.status())));
  return out;
}

void NoteRefusal(const absl::Status& admitted, std::vector<policy::RuleDecision>& rules) {
  if (admitted.ok()) return;
  const bool noted = std::any_of(rules.begin(), rules.end(),
                                 [](const auto& rule) { return rule.outcome == "refused"; });
  if (noted) return;
  const bool asked = absl::IsInvalidArgument(admitted) || absl::IsNotFound(admitted);
  rules.push_back({asked ? "request.not-runnable" : "node.not-ready", "refused",
                   std::string(Message(admitted)), "built in"});
}

}  // namespace vortex::sandbox
