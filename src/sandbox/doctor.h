// SPDX-License-Identifier: Apache-2.0
// Says whether this node can run plugins: what is there, what is missing, what to do about it.
#pragma once

#include <string>
#include <vector>

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
std::vector<Check> CheckNode(const EmbeddedOptions& options);

// First line of `<program> --version`; empty when it is not on PATH or does not answer.
std::string ProgramVersion(const std::string& program);

}  // namespace vortex::sandbox
