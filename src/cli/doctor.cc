// SPDX-License-Identifier: Apache-2.0
#include "sandbox/doctor.h"

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/node.h"
#include "cli/signals.h"

namespace vortex::cli {

int Doctor(const Args& given) {
  base::Cancellation& cancel = CancelOnSignals();
  Args args = given;
  if (const absl::Status loaded = LoadPolicy(args); !loaded.ok()) return Fail(loaded);
  const std::vector<sandbox::Check> checks = sandbox::CheckNode(args.options, &cancel);
  bool ready = true;
  auto json = nlohmann::ordered_json::array();
  for (const sandbox::Check& check : checks) {
    ready = ready && (check.ok || !check.required);
    if (args.json) {
      json.push_back({{"check", check.name},
                      {"ok", check.ok},
                      {"required", check.required},
                      {"detail", check.detail},
                      {"remedy", check.remedy}});
      continue;
    }
    std::printf("%-4s %-26s %s\n",
                check.ok         ? "ok"
                : check.required ? "FAIL"
                                 : "-",
                check.name.c_str(), check.detail.c_str());
    if (!check.ok && !check.remedy.empty())
      std::printf("     %-26s → %s\n", "", check.remedy.c_str());
  }
  if (args.json) std::printf("%s\n", json.dump().c_str());
  if (cancel.cancelled()) {
    std::fprintf(stderr, "vortexctl: doctor was interrupted before its last check\n");
    return 128 + SIGINT;
  }
  return ready ? 0 : 1;
}

}  // namespace vortex::cli
