// SPDX-License-Identifier: Apache-2.0
// Blocking work in a forked child, so that the loop never waits for a disk.
#pragma once

#include <functional>

#include "base/child_reaper.h"
#include "base/task.h"
#include "shim/status.h"

namespace vortex::shim {

// Runs `body` in a child and returns its status. The child has no descriptors of ours but 0-2.
base::Task<Status> RunHelper(base::ChildReaper* reaper, std::function<Status()> body);

}  // namespace vortex::shim
