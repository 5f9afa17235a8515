// SPDX-License-Identifier: Apache-2.0
#include "policy/gate.h"

#include "policy/gate_judge.h"

namespace vortex::policy {

Decision Gate(const Manifest& manifest, const RunRequest& request, const Policy& policy,
              const NodeFacts& facts) {
  Judge judge{manifest, request, policy, facts, {}, {}, {}};
  judge.grant.plugin_id = manifest.id;
  judge.grant.plugin_version = manifest.version;
  JudgeTrust(judge);
  JudgeRuntimeClass(judge);
  JudgePrivileges(judge);
  JudgeLimits(judge);
  judge.grant.watch = judge.tier().watch;
  const std::string at = policy.At(judge.tier().watch_line);
  for (const auto& [rule, on] : {std::pair("watch.network", judge.grant.watch.network),
                                 std::pair("watch.filesystem", judge.grant.watch.filesystem)}) {
    judge.Note(rule, on ? "on" : "off", fmt::format("of {} plugins", judge.level()), at);
  }
  if (!judge.refusal.ok()) return {judge.refusal, std::move(judge.rules)};
  return {std::move(judge.grant), std::move(judge.rules)};
}

}  // namespace vortex::policy
