// SPDX-License-Identifier: Apache-2.0
// The quickstart: runs one plugin and prints what it returned.
//   example_run DIRECTORY PAYLOAD [POLICY]
#include <cstdlib>
#include <iostream>

#include "sandbox/embedded_runner.h"
#include "sandbox/operator_files.h"

using namespace vortex;  // NOLINT: an example

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: example_run DIRECTORY PAYLOAD [POLICY]\n";
    return 125;
  }
  sandbox::EmbeddedOptions options;  // the containerd, directories and image of a packaged node
  if (const char* parent = std::getenv("VORTEX_CGROUP_PARENT")) options.cgroup_parent = parent;
  if (argc > 3) {
    // Refused when anybody else could have written it.
    auto policy = sandbox::LoadPolicy(argv[3]);
    if (!policy.ok()) {
      std::cerr << policy.status().ToString() << "\n";
      return 125;
    }
    options.policy = *std::move(policy);
  }
  const auto runner = sandbox::CreateEmbeddedRunner(options);
  if (!runner.ok()) {
    std::cerr << runner.status().ToString() << "\n";
    return 125;
  }
  const auto result = (*runner)->Run({.plugin = argv[1], .payload = argv[2]});
  if (!result.ok()) {
    std::cerr << result.status().ToString() << "\n";
    return 125;
  }
  std::cerr << "cause: " << sandbox::CauseName(result->termination.cause) << "\n";
  if (result->termination.cause != sandbox::Cause::kOk) return 1;
  std::cout << result->output << "\n";
  return 0;
}
