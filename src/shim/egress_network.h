// SPDX-License-Identifier: Apache-2.0
// A job of ours whose network is a namespace that the runner made, with a proxy at its loopback.
#pragma once

#include <string>
#include <vector>

#include "shim/oci_config.h"
#include "shim/runtime_driver.h"
#include "shim/status.h"

namespace vortex::shim {

// The spec is one of our jobs and says io.vortex.egress=proxy.
bool HasEgressLink(const OciConfig& config);

// `path` is a network namespace, and neither the shim's own nor that of the host's first process.
// For a runtime without a network stack in between, this is all that keeps the job from the host's
// network: FailedPrecondition says what it is instead.
Status CheckEgressNamespace(const std::string& path);

// Makes `flags` those for the link. runsc's own stack knows no way out of an empty namespace (and
// Debian's refuses to join any on Linux 6.11 and newer), so its sentry uses sockets of the
// namespace that the spec names. Fails closed.
Status UseEgressLink(const OciConfig& config, const RuntimeDriver& driver,
                     std::vector<std::string>* flags);

// Of the process `proc` ("/proc/4711"): its network namespace is the one pinned at `path`.
bool InNamespace(const std::string& proc, const std::string& path);

}  // namespace vortex::shim
