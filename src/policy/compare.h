// SPDX-License-Identifier: Apache-2.0
// What a change of policy means for plugins. Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "policy/policy.h"

namespace vortex::policy {

enum class Direction { kTightens, kLoosens };

struct Change {
  std::string subject;  // "invoice-render", "invoice-render sha256:…", "any other plugin"
  std::string what;     // "limits.memory.maximum", "egress api.example.com:443", "runs"
  std::string before, after;
  Direction direction = Direction::kTightens;
};

// What differs between the two for every plugin that either names, and for one that neither does.
// Entries are taken as they apply on that day; a node with every runtime class is assumed.
std::vector<Change> ComparePolicies(const Policy& before, const Policy& after,
                                    std::chrono::sys_days today);

// A manifest of that plugin which asks for all that the entries for it name: what it could get.
Manifest AsksForAll(const Policy& policy, const std::string& plugin);

}  // namespace vortex::policy
