// SPDX-License-Identifier: Apache-2.0
// Every field of the OCI runtime spec that we know, with its type.
//   Source  runtime-spec 1.0.2 to 1.3.0: config.md, config-linux.md
#pragma once

#include <functional>
#include <string>

#include "review/json_tree.h"

namespace vortex::review {

enum class Oddity {
  kUnknown,  // no such field
  kCase,     // a known field but for upper and lower case
  kType,     // a known field with a value of another type
  kForeign,  // the section of another platform
  kNul,      // a string with a NUL in it
};

// Calls `report` for each value that is not what the schema says; what is inside of an unknown
// value is not looked at. `hint` is the right spelling or type.
void CheckShape(const Value& root,
                const std::function<void(Oddity, const Node&, const std::string& hint)>& report);

}  // namespace vortex::review
