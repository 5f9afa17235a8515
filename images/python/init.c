// SPDX-License-Identifier: Apache-2.0
// /usr/lib/vortex/init: pid 1 of every sandbox. Starts the plugin's command; when that ends, kills and reaps all that is
// left and writes one record that says how the command ended (docs/user/plugin-protocol.md):
//   RS {"vortex":"exit","token":"<token>","code":3,"max_rss_kib":9120,"user_us":15000,"system_us":4000,
//       "seccomp":2,"no_new_privs":1,"cap_eff":"0000000000000000"} LF
// with "signal":9 or "exec_errno":2 in the place of "code". The usage is a hint; the cgroup has the truth. The last three
// are its own /proc/self/status, which the command inherits: a program that is over in a moment cannot be looked at from
// outside. They are left out where the kernel does not tell.
//
// Why it is there: pid 1 of a pid namespace ignores signals that it has no handler for, also its own SIGKILL
// (pid_namespaces(7)), so a plugin as pid 1 could not die as it should; orphans need a parent; and containerd's runc shim
// folds signal n into status 128 + n. The token is random per run and known to the host and to this process only: it is
// not dumpable, so the kernel refuses /proc/1/environ, /proc/1/mem and ptrace to the plugin, which has the same uid.
//
// With --own-pids the command gets a pid namespace of its own, in which it is the first process and init does not exist:
// under gVisor pid 1 has no immunity, and the plugin could end it or stop it. That takes a user namespace, which gVisor
// lets every process make; the command keeps its ids and has no capability in it. Where it may not be made, the command
// starts without.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kTokenSize = 32, kNotFound = 127, kNotExecutable = 126 };

static const char kTokenName[] = "VORTEX_INIT_TOKEN";
static const char kResultTokenName[] = "VORTEX_RESULT_TOKEN";
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

// The result's token is the command's alone. What stands in our environment may be read in /proc/1/environ under gVisor,
// so the command's is a copy in memory, and the original is wiped.
static void MoveResultToken(void) {
  char *value = getenv(kResultTokenName);
  if (value == NULL) return;
  char *entry = NULL;
  if (asprintf(&entry, "%s=%s", kResultTokenName, value) < 0) Die("result token");
  explicit_bzero(value, strlen(value));
  putenv(entry);  // not copied: it is the entry itself
}

// What the kernel says of ourselves, for the record: "" or text that begins with a comma.
static void ReadOwnControls(char *out, size_t size) {
  out[0] = 0;
  char text[4096];
  const int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  static const char *const kLines[3][2] = {
      {"\nSeccomp:\t", ",\"seccomp\":"}, {"\nNoNewPrivs:\t", ",\"no_new_privs\":"}, {"\nCapEff:\t", ",\"cap_eff\":\""}};
  for (int i = 0; i < 3; ++i) {
    const char *line = strstr(text, kLines[i][0]);
    if (line == NULL) continue;
    line += strlen(kLines[i][0]);
    const size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%.*s%s", kLines[i][1], (int)strspn(line, "0123456789abcdef"), line,
             i == 2 ? "\"" : "");
  }
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
static void WriteRecord(int fd, const char *token, const char *controls, const char *key, int value) {
  struct rusage usage = {0};
  getrusage(RUSAGE_CHILDREN, &usage);
  char record[384];  // below PIPE_BUF: written as a whole
  const int size = snprintf(record, sizeof record,
                            "\x1e{\"vortex\":\"exit\",\"token\":\"%s\",\"%s\":%d,\"max_rss_kib\":%ld,\"user_us\":%lld,"
                            "\"system_us\":%lld%s}\n",
                            token, key, value, usage.ru_maxrss, Microseconds(usage.ru_utime),
                            Microseconds(usage.ru_stime), controls);
  WriteAll(fd, record, (size_t)size);
}

static void WriteFile(const char *path, const char *text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  WriteAll(fd, text, strlen(text));
  close(fd);
}

// A child in a pid namespace of its own; a plain one where that is not allowed. Ids stay as they are: without a map they
// would show as nobody's.
static pid_t ForkWithOwnPids(void) {
  const uid_t uid = getuid();
  const gid_t gid = getgid();
  const pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid < 0) return fork();
  if (pid > 0) return pid;
  // Capabilities in the new namespace end with execve, as its root is nobody; nor may they come back.
  for (int capability = 0; prctl(PR_CAPBSET_DROP, capability) == 0; ++capability) {
  }
  // Files in /proc of a process that is not dumpable are root's. Nobody is there yet who could look.
  prctl(PR_SET_DUMPABLE, 1);
  char map[64];
  WriteFile("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "%u %u 1\n", uid, uid);
  WriteFile("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "%u %u 1\n", gid, gid);
  WriteFile("/proc/self/gid_map", map);
  return 0;
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
  const int own_pids = argc > 1 && strcmp(argv[1], "--own-pids") == 0;
  char **command = argv + 2 + own_pids;
  if (argc < 3 + own_pids || strcmp(command[-1], "--") != 0) {
    dprintf(STDERR_FILENO, "usage: init [--own-pids] -- command [argument…]\n");
    return kNotExecutable;
  }
  if (prctl(PR_SET_DUMPABLE, 0) != 0) Die("prctl(PR_SET_DUMPABLE)");
  char token[kTokenSize + 1];
  TakeToken(token);
  MoveResultToken();
  char controls[96];
  ReadOwnControls(controls, sizeof controls);
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

  const pid_t child = own_pids ? ForkWithOwnPids() : fork();
  if (child < 0) Die("fork");
  if (child == 0) {
    explicit_bzero(token, sizeof token);
    Exec(command, error_pipe[1]);
  }
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
    WriteRecord(record_fd, token, controls, "exec_errno", exec_errno);
    return exec_errno == ENOENT || exec_errno == ENOTDIR ? kNotFound : kNotExecutable;
  }
  if (WIFSIGNALED(status)) {
    WriteRecord(record_fd, token, controls, "signal", WTERMSIG(status));
    return 128 + WTERMSIG(status);
  }
  WriteRecord(record_fd, token, controls, "code", WEXITSTATUS(status));
  return WEXITSTATUS(status);
}
