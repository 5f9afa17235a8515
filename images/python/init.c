// SPDX-License-Identifier: Apache-2.0
// /usr/lib/vortex/init: pid 1 of every sandbox. Starts the plugin's command; when that ends, kills and reaps all that is
// left and writes one record that says how the command ended (docs/user/plugin-protocol.md):
//   RS {"vortex":"exit","token":"<token>","code":3,"max_rss_kib":9120,"user_us":15000,"system_us":4000} LF
// with "signal":9 or "exec_errno":2 in the place of "code". The usage is a hint; the cgroup has the truth.
//
// Why it is there: pid 1 of a pid namespace ignores signals that it has no handler for, also its own SIGKILL
// (pid_namespaces(7)), so a plugin as pid 1 could not die as it should; orphans need a parent; and containerd's runc shim
// folds signal n into status 128 + n. The token is random per run and known to the host and to this process only: it is
// not dumpable, so the kernel refuses /proc/1/environ, /proc/1/mem and ptrace to the plugin, which has the same uid.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kTokenSize = 32, kNotFound = 127, kNotExecutable = 126 };

static const char kTokenName[] = "VORTEX_INIT_TOKEN";
static volatile sig_atomic_t g_child;

static void Die(const char *what) {
  dprintf(STDERR_FILENO, "init: %s: %s\n", what, strerror(errno));
  _exit(kNotExecutable);
}

// To the command's process group: it leads one, with a session of its own.
static void Forward(int signal) {
  const int saved = errno;
  if (g_child > 0) kill(-g_child, signal);
  errno = saved;
}

// Moves the token out of the environment, so that neither the child nor anyone who reads it later has it.
static void TakeToken(char token[kTokenSize + 1]) {
  char *value = getenv(kTokenName);
  if (value == NULL || strlen(value) != kTokenSize || strspn(value, "0123456789abcdef") != kTokenSize) {
    errno = EINVAL;
    Die("VORTEX_INIT_TOKEN must be 32 characters of 0-9 and a-f");
  }
  memcpy(token, value, kTokenSize + 1);
  explicit_bzero(value, kTokenSize);
  unsetenv(kTokenName);
}

// The command's stdout may be closed, or made non-blocking by the plugin: the flag is shared by all who have it open.
static void WriteAll(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, bytes, size);
    if (n >= 0) {
      bytes += n;
      size -= (size_t)n;
    } else if (errno == EAGAIN) {
      struct pollfd poll_fd = {fd, POLLOUT, 0};
      poll(&poll_fd, 1, -1);
    } else if (errno != EINTR) {
      return;  // nobody listens any more
    }
  }
}

static long long Microseconds(struct timeval time) { return time.tv_sec * 1000000LL + time.tv_usec; }

// Usage is of the children that were waited for: the command, and its orphans when we are pid 1.
static void WriteRecord(int fd, const char *token, const char *key, int value) {
  struct rusage usage = {0};
  getrusage(RUSAGE_CHILDREN, &usage);
  char record[256];  // below PIPE_BUF: written as a whole
  const int size = snprintf(record, sizeof record,
                            "\x1e{\"vortex\":\"exit\",\"token\":\"%s\",\"%s\":%d,\"max_rss_kib\":%ld,\"user_us\":%lld,"
                            "\"system_us\":%lld}\n",
                            token, key, value, usage.ru_maxrss, Microseconds(usage.ru_utime),
                            Microseconds(usage.ru_stime));
  WriteAll(fd, record, (size_t)size);
}

// In the child: never returns. Failure goes to the parent as an errno; the pipe closes by itself on success.
// Whatever the runtime left ignored or blocked, the command starts with every signal at its default.
static void Exec(char **argv, int error_fd) {
  setsid();
  for (int signal_number = 1; signal_number < NSIG; ++signal_number) signal(signal_number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(argv[0], argv, environ);
  const int error = errno;
  WriteAll(error_fd, (const char *)&error, sizeof error);
  _exit(kNotExecutable);
}

// The wait status of `child`; orphans that end before it are reaped on the way.
static int WaitFor(pid_t child) {
  for (;;) {
    int status = 0;
    const pid_t pid = wait(&status);
    if (pid == child) return status;
    if (pid < 0 && errno != EINTR) Die("wait");
  }
}

// Everything in the namespace but ourselves. What forks while we kill is caught by the next round; nothing is left
// when there is no child any more, since every orphan becomes ours.
static void KillTheRest(void) {
  // Outside of a pid namespace, -1 is every process that we may signal.
  if (getpid() != 1) return;
  while (kill(-1, SIGKILL) == 0 || errno != ESRCH) {
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD) return;
  }
  while (wait(NULL) > 0 || errno == EINTR) {
  }
}

int main(int argc, char **argv) {
  if (argc < 3 || strcmp(argv[1], "--") != 0) {
    dprintf(STDERR_FILENO, "usage: init -- command [argument…]\n");
    return kNotExecutable;
  }
  if (prctl(PR_SET_DUMPABLE, 0) != 0) Die("prctl(PR_SET_DUMPABLE)");
  char token[kTokenSize + 1];
  TakeToken(token);
  const int record_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (record_fd < 0) Die("dup stdout");
  int error_pipe[2];
  if (pipe2(error_pipe, O_CLOEXEC) != 0) Die("pipe");

  // A signal that comes before the child has its own session waits until it has.
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGINT);
  sigprocmask(SIG_SETMASK, &mask, NULL);
  struct sigaction forward = {.sa_handler = Forward, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &forward, NULL);
  sigaction(SIGINT, &forward, NULL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);  // an inherited SIG_IGN would let the kernel reap the child and lose its status

  const pid_t child = fork();
  if (child < 0) Die("fork");
  if (child == 0) Exec(argv + 2, error_pipe[1]);
  g_child = child;
  close(error_pipe[1]);
  close(STDIN_FILENO);
  close(STDOUT_FILENO);

  int exec_errno = 0;
  ssize_t told;
  do {
    told = read(error_pipe[0], &exec_errno, sizeof exec_errno);
  } while (told < 0 && errno == EINTR);
  sigprocmask(SIG_UNBLOCK, &mask, NULL);
  const int status = WaitFor(child);
  g_child = 0;
  KillTheRest();
  if (told == (ssize_t)sizeof exec_errno) {
    WriteRecord(record_fd, token, "exec_errno", exec_errno);
    return exec_errno == ENOENT || exec_errno == ENOTDIR ? kNotFound : kNotExecutable;
  }
  if (WIFSIGNALED(status)) {
    WriteRecord(record_fd, token, "signal", WTERMSIG(status));
    return 128 + WTERMSIG(status);
  }
  WriteRecord(record_fd, token, "code", WEXITSTATUS(status));
  return WEXITSTATUS(status);
}
