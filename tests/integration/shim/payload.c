// SPDX-License-Identifier: Apache-2.0
// The only program in the test containers: does what its first word says.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void OnTerm(int signal) {
  (void)signal;
  _exit(9);
}

static void Say(int fd, const char* text) {
  if (write(fd, text, strlen(text)) < 0) _exit(100);
}

// gVisor's sentry writes a part when the pipe is nearly full, where Linux would block for the rest.
static int Copy(void) {
  static char buffer[65536];
  ssize_t count;
  while ((count = read(0, buffer, sizeof buffer)) > 0) {
    for (ssize_t done = 0; done < count;) {
      const ssize_t written = write(1, buffer + done, (size_t)(count - done));
      if (written <= 0) return 1;
      done += written;
    }
  }
  return 0;
}

static int Print(long bytes) {
  static char buffer[65536];
  memset(buffer, 'x', sizeof buffer);
  while (bytes > 0) {
    const ssize_t count = write(1, buffer, bytes < 65536 ? (size_t)bytes : sizeof buffer);
    if (count <= 0) return 1;
    bytes -= count;
  }
  return 0;
}

static int Allocate(long mib) {
  const size_t size = (size_t)mib << 20;
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < size; i += 4096) memory[i] = 1;
  return 0;
}

int main(int argc, char** argv) {
  const char* verb = argc > 1 ? argv[1] : "true";
  const long number = argc > 2 ? atol(argv[2]) : 0;
  if (!strcmp(verb, "true")) return 0;
  if (!strcmp(verb, "exit")) return (int)number;
  if (!strcmp(verb, "both")) {
    Say(1, "to stdout\n");
    Say(2, "to stderr\n");
    return 0;
  }
  if (!strcmp(verb, "sleep")) {
    signal(SIGTERM, OnTerm);
    sleep((unsigned)number);
    return 0;
  }
  // Neither SIGTERM nor a session of its own ends it.
  if (!strcmp(verb, "stay")) {
    signal(SIGTERM, SIG_IGN);
    if (fork() == 0) setsid();
    sleep(1000);
    return 0;
  }
  if (!strcmp(verb, "cat")) return Copy();
  if (!strcmp(verb, "print")) return Print(number);
  if (!strcmp(verb, "memory")) return Allocate(number);
  // Leaves a child behind that keeps stdout open.
  if (!strcmp(verb, "daemon")) {
    if (fork() == 0) {
      setsid();
      sleep((unsigned)number);
    } else {
      Say(1, "left\n");
    }
    return 0;
  }
  if (!strcmp(verb, "tty")) {
    struct winsize size;
    memset(&size, 0, sizeof size);
    ioctl(1, TIOCGWINSZ, &size);
    printf("tty %d\n", isatty(0) && isatty(1) && isatty(2));
    return 0;
  }
  // Counts to the number, then takes 400 MiB.
  if (!strcmp(verb, "hoard")) {
    for (int i = 0; i < number; ++i) {
      char line[32];
      snprintf(line, sizeof line, "count %d\n", i);
      Say(1, line);
      usleep(50000);
    }
    return Allocate(400);
  }
  // Says how often it has counted, until SIGTERM.
  if (!strcmp(verb, "count")) {
    signal(SIGTERM, OnTerm);
    for (int i = 0;; ++i) {
      char line[32];
      snprintf(line, sizeof line, "count %d\n", i);
      Say(1, line);
      usleep(50000);
    }
  }
  // Ends with 7 when the terminal has become 132 x 43, with 1 after 20 s.
  if (!strcmp(verb, "winsize")) {
    for (int i = 0; i < 400; ++i) {
      struct winsize size;
      memset(&size, 0, sizeof size);
      ioctl(1, TIOCGWINSZ, &size);
      if (size.ws_col == 132 && size.ws_row == 43) return 7;
      usleep(50000);
    }
    return 1;
  }
  return 99;
}
