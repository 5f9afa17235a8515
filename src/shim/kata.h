// SPDX-License-Identifier: Apache-2.0
// Handing a sandbox over to Kata's own shim (docs/adr/0020-shim-kata-handover.md).
#pragma once

#include <string>

#include "shim/oci_config.h"

namespace vortex::shim {

// When the bundle's runtime class is Kata's: replaces this process by Kata's shim, with the same
// arguments, environment, directory and stdin; does not return. Ends the process with a message
// when there is none. Returns when the class is another.
void HandOverToKata(const OciConfig& config, const std::string& bundle, bool starting);

// The command line to pass on; set once by main.
void RememberArgv(char** argv);

}  // namespace vortex::shim
