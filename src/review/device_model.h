// SPDX-License-Identifier: Apache-2.0
// What linux.resources.devices comes to when its rules are read in order.
//   Source  OCI runtime-spec, config-linux.md, Device allow list; cgroup-v1/devices.rst
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "review/json_tree.h"

namespace vortex::review {

struct DeviceKey {
  char type = 'a';          // a, b, c
  std::int64_t major = -1;  // -1: all
  std::int64_t minor = -1;

  bool operator==(const DeviceKey&) const = default;
  bool IsAll() const { return type == 'a' || (major < 0 && minor < 0 && type == 'a'); }
  std::string Text() const;  // "c 195:*"
};

struct DeviceState {
  DeviceKey key;
  std::string access;  // of "rwm", in this order
  Position at;
  std::string path;
};

struct DeviceModel {
  // What holds where nothing else is said. Without any rule a runtime leaves what it found.
  bool allow_by_default = true;
  std::vector<DeviceState> allowed;  // exceptions from a default of no
  std::vector<DeviceState> denied;   // refusals that hold against a wider permission
  Position at;                       // of the rule that made the default
  std::string path;

  explicit DeviceModel(const Node& rules);
};

}  // namespace vortex::review
