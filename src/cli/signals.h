// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/cancellation.h"

namespace vortex::cli {

// From here on the first SIGINT, SIGTERM or SIGHUP cancels, so that the command cleans up and ends
// by itself. Until then they end the process, as they should while it only reads. Call it once,
// before any thread is started that does not block them by itself. What it returns lives as long
// as the process.
base::Cancellation& CancelOnSignals();

}  // namespace vortex::cli
