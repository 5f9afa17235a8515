// SPDX-License-Identifier: Apache-2.0
// Between create and start: is what the spec asks for really in force? For our own jobs (annotation
// io.vortex.run-id); others start unread.
#pragma once

#include "shim/container.h"
#include "shim/status.h"

namespace vortex::shim {

Status CheckInForce(const Container& container);

}  // namespace vortex::shim
