// SPDX-License-Identifier: Apache-2.0
// The only program in the test containers. Static, as their root filesystem holds nothing else.
//   payload exit N | hold | cat | children N
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int Cat(void) {
  char buffer[4096];
  ssize_t got;
  while ((got = read(0, buffer, sizeof buffer)) > 0)
    if (write(1, buffer, (size_t)got) != got) return 1;
  return got < 0;
}

int main(int argc, char** argv) {
  if (argc < 2) return 120;
  if (strcmp(argv[1], "cat") == 0) return Cat();
  if (strcmp(argv[1], "exit") == 0 && argc == 3) return atoi(argv[2]);
  if (strcmp(argv[1], "children") == 0 && argc == 3) {
    for (int i = atoi(argv[2]); i > 0; --i)
      if (fork() == 0) break;
  }
  // As pid 1 of a namespace, only signals that are handled arrive.
  signal(SIGTERM, _exit);
  for (;;) pause();
}
