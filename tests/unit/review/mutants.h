// SPDX-License-Identifier: Apache-2.0
// Every way to loosen a spec that we know, one at a time.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vortex::review {

struct Mutant {
  std::string what;
  nlohmann::json spec;
};

std::vector<Mutant> Loosenings(const nlohmann::json& golden);

}  // namespace vortex::review
