// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace vortex::base {

// A descriptor that names one process for as long as it is open: no other process can take its
// place as with a recycled pid. Readable (POLLIN) once the process has exited.
//   Errors  ESRCH no such process.
//   Source  pidfd_open(2), Linux 5.3.
Result<UniqueFd> PidfdOpen(int pid);

// Sends a signal; 0 on success, else the errno (ESRCH: already reaped).
//   Source  pidfd_send_signal(2), Linux 5.1.
int PidfdKill(int pidfd, int signal);

}  // namespace vortex::base
