// SPDX-License-Identifier: Apache-2.0
// Between create and start: is what the spec asks for really in force? For our own jobs; others
// start unread.
#pragma once

#include <memory>

#include "shim/container.h"
#include "shim/status.h"

namespace vortex::shim {

// Compares the kernel's view of the first process, control by control, with what config.json asked
// for when Create came: cgroup limits, and for runtimes whose first process the kernel shows us
// (runc, crun) everything of readback_checks.h. Fills container->controls.
//   Errors  FailedPrecondition "sandbox_unavailable: control <name>: …": asked for and not in
//   force.
Status CheckInForce(Container* container);

// The seccomp filter is loaded last, by some runtimes (crun, runc before 1.1) after the start: then
// it is read once the first process runs another program than before, if it still lives. Without
// one that the spec asks for the job is killed and the report says so.
void CheckSeccompSoon(base::EventLoop* loop, const std::shared_ptr<Container>& container);
// At the end: the filter of a program that was over too soon is reported as not seen.
void NoteUnseenSeccomp(Container* container);

}  // namespace vortex::shim
