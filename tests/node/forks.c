// SPDX-License-Identifier: Apache-2.0
// forks N: tries to have N children at once; says how many there were.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const int wanted = argc > 1 ? atoi(argv[1]) : 0;
  pid_t children[1000];
  int made = 0;
  while (made < wanted && made < 1000) {
    const pid_t child = fork();
    if (child < 0) break;
    if (child == 0) {
      for (;;) pause();
    }
    children[made++] = child;
  }
  printf("children %d of %d\n", made, wanted);
  fflush(stdout);
  for (int i = 0; i < made; ++i) kill(children[i], SIGKILL);
  while (wait(NULL) > 0) {
  }
  return 0;
}
