// SPDX-License-Identifier: Apache-2.0
// Every way to loosen a spec that we know, one at a time.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace vortex::review {

struct Mutant {
  std::string what;
  nlohmann::json spec;
};

// `use` is called with each of those whose number, counted from 0, is `first` modulo `step`.
void EachLoosening(const nlohmann::json& golden, int first, int step,
                   const std::function<void(const Mutant&)>& use);

}  // namespace vortex::review
