// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "oci/spec.h"
#include "oci/weakens_isolation.h"

namespace vortex::oci {

// What the profile depends on.
struct SeccompNeeds {
  std::string arch;               // "x86_64" or "aarch64"
  Weakening<bool> device_ioctls;  // a device is granted: its driver's ioctls are let through
  Weakening<bool> raw_sockets;    // CAP_NET_RAW is granted
  // An observer listens: calls of these kinds go to it instead of being let through or refused by
  // the filter (seccomp_watch.h).
  bool watch_network = false;
  bool watch_filesystem = false;
  bool watch_ids = false;  // no capability is granted, so a change of ids must fail
};

// The seccomp allowlist made for the harness (CPython's standard library with threads, asyncio,
// subprocess, sqlite3, ssl, multiprocessing, ctypes) and for native programs: what is not listed
// fails with EPERM. Other architectures' entry points (32 bit, x32) are not listed, so the filter
// kills their use. docs/reviewer/oci-spec.md says which attack each missing group would serve; all
// names are known to libseccomp 2.5.4.
Seccomp HarnessSeccomp(const SeccompNeeds& needs);

}  // namespace vortex::oci
