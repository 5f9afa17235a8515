// SPDX-License-Identifier: Apache-2.0
// The command line that containerd gives a shim, by the rules of Go's flag package.
#pragma once

#include <string>
#include <vector>

namespace vortex::shim {

struct Args {
  std::string name_space;
  std::string address;  // containerd's gRPC socket
  std::string publish_binary;
  std::string id;
  std::string bundle;
  std::string socket;
  bool debug = false;
  bool version = false;
  bool info = false;
  std::string action;                // "start", "delete", or empty
  std::vector<std::string> unknown;  // flags that were ignored
};

// -x v, -x=v, --x; boolean flags take no separate value; the first word that is no flag is the
// action.
Args ParseArgs(const std::vector<std::string>& words);

}  // namespace vortex::shim
