// SPDX-License-Identifier: Apache-2.0
// An OCI runtime for soaks of the shim: a "container" is a sleeping process, an exec one that ends at once. Where a
// thousand runs of runc cost a minute, a thousand of these cost a second.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const char* pid_file = NULL;
  const char* verb = "";
  for (int i = 1; i < argc; ++i) {
    if (!strcmp(argv[i], "create") || !strcmp(argv[i], "exec")) verb = argv[i];
    if (!strcmp(argv[i], "--pid-file") && i + 1 < argc) pid_file = argv[i + 1];
  }
  if (pid_file == NULL) return 0;
  const pid_t pid = fork();
  if (pid < 0) return 1;
  if (pid == 0) {
    if (!strcmp(verb, "create")) sleep(1000000);
    _exit(0);
  }
  FILE* file = fopen(pid_file, "w");
  if (file == NULL) return 1;
  fprintf(file, "%d", (int)pid);
  return fclose(file) == 0 ? 0 : 1;
}
