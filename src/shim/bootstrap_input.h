// SPDX-License-Identifier: Apache-2.0
// What containerd writes to the stdin of `start`.
#pragma once

#include <string>
#include <string_view>

namespace vortex::shim {

struct BootstrapInput {
  std::string options_type;  // an Any's type URL and value; empty: none were sent
  std::string options_value;
  bool params = false;        // it was BootstrapParams (containerd 2.3 and newer)
  std::string ttrpc_address;  // BootstrapParams only
  std::string socket_dir;     // BootstrapParams only
};

// An Any of options, or BootstrapParams: both have strings in fields 1 and 2, so it is the latter
// only if these are our own id and namespace. Text that is neither gives an empty result.
BootstrapInput ParseBootstrapInput(std::string_view bytes, std::string_view id,
                                   std::string_view name_space);

}  // namespace vortex::shim
