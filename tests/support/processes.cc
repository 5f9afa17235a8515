// SPDX-License-Identifier: Apache-2.0
#include "support/processes.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace vortex::testing {

std::vector<int> AllPids() {
  std::vector<int> pids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos) pids.push_back(std::stoi(name));
  }
  return pids;
}

std::string Slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  // Not by istreambuf_iterator, which throws when the process goes meanwhile (ESRCH).
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string CommandLine(int pid) {
  std::string text = Slurp("/proc/" + std::to_string(pid) + "/cmdline");
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

}  // namespace vortex::testing
