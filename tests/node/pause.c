// SPDX-License-Identifier: Apache-2.0
// The sandbox container of a pod: holds the namespaces, reaps orphans, ends at SIGTERM.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void End(int signal) {
  (void)signal;
  _exit(0);
}

static void Reap(int signal) {
  (void)signal;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
}

int main(void) {
  signal(SIGTERM, End);
  signal(SIGINT, End);
  signal(SIGCHLD, Reap);
  for (;;) pause();
}
