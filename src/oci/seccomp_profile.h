// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "oci/spec.h"

namespace vortex::oci {

// The seccomp allowlist made for the harness (CPython's standard library with threads, asyncio, subprocess, sqlite3,
// ssl, multiprocessing, ctypes) and for native programs: what is not listed fails with EPERM. Other architectures'
// entry points (32 bit, x32) are not listed, so the filter kills their use.
//   arch           "x86_64" or "aarch64".
//   device_ioctls  a device is granted: its driver's ioctl requests are let through.
Seccomp HarnessSeccomp(const std::string& arch, bool device_ioctls);

}  // namespace vortex::oci
