// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "base/status.h"
#include "cli/commands.h"
#include "cli/node.h"
#include "sandbox/labels.h"
#include "sandbox/run_dir.h"

namespace vortex::cli {
namespace {

const char* StatusName(client::TaskStatus status) {
  switch (status) {
    case client::TaskStatus::kCreated:
      return "created";
    case client::TaskStatus::kRunning:
      return "running";
    case client::TaskStatus::kStopped:
      return "stopped";
    case client::TaskStatus::kPaused:
      return "paused";
    case client::TaskStatus::kPausing:
      return "pausing";
    case client::TaskStatus::kUnknown:
      break;
  }
  return "unknown";
}

std::string Label(const client::Container& container, const char* key) {
  const auto it = container.labels.find(key);
  return it == container.labels.end() ? "" : it->second;
}

absl::StatusOr<nlohmann::ordered_json> Runs(const Args& args) {
  VX_ASSIGN_OR_RETURN(const auto client, Connect(args));
  VX_ASSIGN_OR_RETURN(
      const auto containers,
      client->containers().List({fmt::format("labels.\"{}\"", sandbox::kRunIdLabel)}));
  VX_ASSIGN_OR_RETURN(const auto tasks, client->tasks().List());
  std::map<std::string, client::TaskInfo> by_id;
  for (const client::TaskInfo& task : tasks) by_id[task.container_id] = task;
  auto out = nlohmann::ordered_json::array();
  for (const client::Container& container : containers) {
    const auto task = by_id.find(container.id);
    const bool owned =
        sandbox::RunDir::HasOwner(Label(container, sandbox::kStateDirLabel), container.id);
    out.push_back({{"run_id", container.id},
                   {"plugin_id", Label(container, sandbox::kPluginLabel)},
                   {"runtime_class", Label(container, sandbox::kClassLabel)},
                   {"status", task == by_id.end() ? "no task" : StatusName(task->second.status)},
                   {"pid", task == by_id.end() ? 0 : task->second.pid},
                   {"owner", owned ? "alive" : "gone"}});
  }
  return out;
}

}  // namespace

int ListRuns(const Args& args) {
  const auto runs = Runs(args);
  if (!runs.ok()) return Fail(runs.status());
  if (args.json) {
    std::printf("%s\n", runs->dump().c_str());
    return 0;
  }
  std::printf("%-22s %-24s %-8s %-9s %-8s %s\n", "RUN", "PLUGIN", "CLASS", "STATUS", "PID",
              "OWNER");
  for (const auto& run : *runs) {
    std::printf("%-22s %-24s %-8s %-9s %-8d %s\n", run["run_id"].get<std::string>().c_str(),
                run["plugin_id"].get<std::string>().c_str(),
                run["runtime_class"].get<std::string>().c_str(),
                run["status"].get<std::string>().c_str(), run["pid"].get<int>(),
                run["owner"].get<std::string>().c_str());
  }
  return 0;
}

}  // namespace vortex::cli
