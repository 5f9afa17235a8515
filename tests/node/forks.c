// SPDX-License-Identifier: Apache-2.0
// forks N: tries to have N children at once; says how many there were.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const int wanted = argc > 1 ? atoi(argv[1]) : 0;
  int made = 0;
  signal(SIGTERM, SIG_IGN);
  while (made < wanted) {
    const pid_t child = fork();
    if (child < 0) break;
    if (child == 0) {
      signal(SIGTERM, SIG_DFL);
      for (;;) pause();
    }
    ++made;
  }
  printf("children %d of %d\n", made, wanted);
  fflush(stdout);
  kill(0, SIGTERM);
  while (wait(NULL) > 0) {
  }
  return 0;
}
