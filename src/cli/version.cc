// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/status.h"
#include "cli/commands.h"
#include "cli/node.h"
#include "sandbox/doctor.h"

namespace vortex::cli {

// containerd is asked when it is there; without it, vortexctl's own version is answer enough.
int PrintVersion(const Args& args) {
  nlohmann::ordered_json json = {{"vortexctl", VORTEX_VERSION}};
  const auto client = Connect(args);
  if (client.ok()) {
    const auto server = (*client)->version().Get();
    if (server.ok()) json["containerd"] = server->version;
  }
  for (const char* runtime : {"runc", "crun", "runsc"}) {
    const std::string version = sandbox::ProgramVersion(runtime);
    if (!version.empty()) json[runtime] = version;
  }
  if (args.json) {
    std::printf("%s\n", json.dump().c_str());
    return 0;
  }
  for (const auto& [name, version] : json.items()) {
    std::printf("%-11s %s\n", name.c_str(), version.get<std::string>().c_str());
  }
  if (!client.ok())
    std::fprintf(stderr, "vortexctl: %s\n", std::string(Message(client.status())).c_str());
  return 0;
}

}  // namespace vortex::cli
