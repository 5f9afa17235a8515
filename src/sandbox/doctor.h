// SPDX-License-Identifier: Apache-2.0
// Says whether this node can run plugins: what is there, what is missing, what to do about it.
#pragma once

#include <string>
#include <vector>

#include "base/cancellation.h"
#include "sandbox/embedded_runner.h"

namespace vortex::sandbox {

struct Check {
  std::string name;
  bool ok = false;
  bool required = true;  // false: only a runtime class needs it
  std::string detail;    // what was seen
  std::string remedy;    // when not ok
};

// Ready is proven by doing: for every class that could be, a plugin of one line is run and its
// answer read. Blocking; a second a class when all is well.
// `cancel` (may be null) ends it before the next check; those made so far are returned.
std::vector<Check> CheckNode(const EmbeddedOptions& options, base::Cancellation* cancel = nullptr);

// First line of `<program> --version`; empty when it is not on PATH, does not answer within 5 s, or
// `cancel` (may be null) is thrown. Kills what it has left behind in its process group.
std::string ProgramVersion(const std::string& program, const base::Cancellation* cancel = nullptr);

}  // namespace vortex::sandbox
