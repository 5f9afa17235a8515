// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/trace_config.h"

#include <nlohmann/json.hpp>

#include "sandbox/denials/trace_events.h"

namespace vortex::sandbox {

std::string TraceConfigJson(const std::string& socket_path, bool network, bool filesystem) {
  using Json = nlohmann::json;
  Json points = Json::array();
  const auto add = [&](const std::string& name, Json optional = Json::array()) {
    Json point = {{"name", name}, {"context_fields", {"cwd"}}};
    if (!optional.empty()) point["optional_fields"] = std::move(optional);
    points.push_back(std::move(point));
  };
  if (network) {
    add("syscall/bind/exit");
    add("syscall/connect/exit");
    add("syscall/socket/exit");
  }
  if (filesystem) {
    for (const char* name : {"open", "openat", "creat", "execve", "execveat"})
      add("syscall/" + std::string(name) + "/exit",
          std::string(name).ends_with("at") && name[0] != 'c' ? Json{"fd_path"} : Json::array());
  }
  for (const int number : TracedNumbers(network, filesystem))
    add("syscall/sysno/" + std::to_string(number) + "/exit");
  // What was dropped is told by the next event only. The last of a session is init's end.
  points.push_back({{"name", "sentry/task_exit"}});
  const Json session = {
      {"trace_session",
       {{"name", "Default"},
        {"points", std::move(points)},
        {"sinks",
         {{{"name", "remote"}, {"config", {{"endpoint", socket_path}, {"retries", 0}}}}}}}}};
  return session.dump();
}

}  // namespace vortex::sandbox
