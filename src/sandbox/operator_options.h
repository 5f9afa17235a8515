// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sandbox/embedded_runner.h"

namespace vortex::sandbox {

// The options with what the policy file says of them: its `audit` section, when it names a
// directory, stands whatever the program asked for, since the log is the operator's; its plugin
// labels hold for a runner that brings no metrics of its own. Pure.
EmbeddedOptions WithOperatorOptions(EmbeddedOptions options);

}  // namespace vortex::sandbox
