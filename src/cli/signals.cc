// SPDX-License-Identifier: Apache-2.0
#include "cli/signals.h"

#include <signal.h>

#include <thread>

namespace vortex::cli {

base::Cancellation& CancelOnSignals() {
  // Never destroyed: the thread may look at it until the very end.
  static auto& cancel = *new base::Cancellation;
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::thread([set] {
    int signal = 0;
    while (sigwait(&set, &signal) == 0) cancel.Cancel();
  }).detach();
  return cancel;
}

}  // namespace vortex::cli
