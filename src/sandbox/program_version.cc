// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/pidfd.h"
#include "base/unique_fd.h"
#include "sandbox/doctor.h"

namespace vortex::sandbox {
namespace {

constexpr std::chrono::milliseconds kLimit{5000};
constexpr std::size_t kMaxText = 64 * 1024;

// In a session of its own, so that whatever it starts can be killed with it and a terminal's Ctrl-C
// is ours alone; with signals as a program expects them.
pid_t Start(const std::string& program, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = program, flag = "--version";
  char* argv[] = {name.data(), flag.data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, program.c_str(), &actions, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -1;
}

// Reads what is there; false at the end of the file.
bool Drain(int fd, std::string* text) {
  char buffer[4096];
  for (;;) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    if (text->size() < kMaxText) text->append(buffer, static_cast<std::size_t>(count));
  }
}

}  // namespace

std::string ProgramVersion(const std::string& program, const base::Cancellation* cancel) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  const base::UniqueFd read_end(ends[0]);
  base::UniqueFd write_end(ends[1]);
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  const pid_t pid = Start(program, write_end.get());
  write_end.Reset();
  if (pid < 0) return {};
  const auto pidfd = base::PidfdOpen(pid);
  std::string text;
  bool ended = false;
  // Its own end is what counts: a child that it leaves behind keeps the pipe open.
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  while (pidfd.ok() && !ended) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now());
    if (left.count() <= 0 || (cancel != nullptr && cancel->cancelled())) break;
    pollfd polled[] = {{pidfd.value().get(), POLLIN, 0},
                       {read_end.get(), POLLIN, 0},
                       {cancel != nullptr ? cancel->fd() : -1, POLLIN, 0}};
    if (::poll(polled, 3, static_cast<int>(left.count())) < 0 && errno != EINTR) break;
    ended = (polled[0].revents & POLLIN) != 0;
    // A pipe that was closed early is no end: wait for that of the program alone.
    if (!Drain(read_end.get(), &text) && !ended) {
      pollfd rest[] = {polled[0], polled[2]};
      ended =
          ::poll(rest, 2, static_cast<int>(left.count())) > 0 && (rest[0].revents & POLLIN) != 0;
      break;
    }
  }
  ::kill(-pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return ended ? text.substr(0, text.find('\n')) : std::string();
}

}  // namespace vortex::sandbox
