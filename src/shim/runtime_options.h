// SPDX-License-Identifier: Apache-2.0
// The options of a runtime, in whichever of their forms they arrive.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shim/status.h"

namespace vortex::shim {

// Field names and meanings as containerd.runc.v1.Options.
struct RuntimeOptions {
  bool no_pivot_root = false;
  bool no_new_keyring = false;
  std::string shim_cgroup;
  std::uint32_t io_uid = 0;
  std::uint32_t io_gid = 0;
  std::string binary_name;
  std::string root;
  bool systemd_cgroup = false;
  std::string criu_image_path;
  std::string criu_work_path;
  // Ours (TOML table [vortex] or top level): "runc", "crun", "runsc"; words put before the verb.
  std::string driver;
  std::vector<std::string> runtime_flags;

  // The form that Go's shim keeps in options.json: only what is set.
  std::string ToJson() const;
  static RuntimeOptions FromJson(std::string_view text);
  // Every field has its default.
  bool SaysNothing() const { return runtime_flags.empty() && ToJson() == "{}"; }
};

// Decodes by the type's name, whatever prefix its URL has: the messages overlap on the wire.
//   Errors  InvalidArgument: another type, or a value or TOML file that does not parse (named with
//   its line).
Status DecodeOptions(std::string_view type_url, std::string_view value, RuntimeOptions* out);

// The subset of TOML that containerd writes: tables, strings, booleans, integers, arrays of
// strings. Keys of the runc table (NoPivotRoot, …, also snake_case), [vortex] driver,
// runtime_flags, and gVisor's [runsc_config] key = value, which become --key=value.
Status ParseToml(std::string_view text, RuntimeOptions* out);

}  // namespace vortex::shim
