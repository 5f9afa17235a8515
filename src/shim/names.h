// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace vortex::shim {

// [A-Za-z0-9][A-Za-z0-9_.-]*, at most 76 bytes: ids become file names in the bundle.
inline bool ValidName(std::string_view name) {
  const auto alnum = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  if (name.empty() || name.size() > 76 || !alnum(name.front())) return false;
  for (const char c : name) {
    if (!alnum(c) && c != '_' && c != '.' && c != '-') return false;
  }
  return true;
}

}  // namespace vortex::shim
