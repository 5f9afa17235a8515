// SPDX-License-Identifier: Apache-2.0
// private_containerd_janitor DIR: waits until stdin ends, then cleans up after a private
// containerd, unless a byte came first ("all done"). Started by PrivateContainerd for the case that
// the test crashes.
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "support/private_cleanup.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  // Ctrl-C goes to the whole group; the cleaning is for after that.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  char byte = 0;
  ssize_t got = 0;
  do {
    got = ::read(STDIN_FILENO, &byte, 1);
  } while (got < 0 && errno == EINTR);
  if (got != 1) vortex::testing::RemovePrivateContainerd(argv[1]);
  return 0;
}
