// SPDX-License-Identifier: Apache-2.0
#include "base/spawn.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/unique_fd.h"

namespace vortex::base {
namespace {

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

void ResetSignals() {
  struct sigaction defaults {};
  defaults.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &defaults, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What the child of vfork may touch: memory is the parent's until execve, so nothing is allocated.
struct Plan {
  const char* program;
  char* const* argv;
  char* const* env;
  const char* cwd;
  const int* fds;
  int fd_count;
  bool die_with_parent;
  bool new_session;
  std::optional<std::uint32_t> effective_id;
  volatile int error = 0;
  const char* volatile step = "";
};

// The raw calls: libc's would tell the parent's other threads, whose memory this is.
//   Source  capabilities(7): from an effective uid 0 to another one, the effective set is emptied;
//           the permitted set stays while the real uid is 0.
bool BecomeEffective(std::uint32_t id) {
  if (::syscall(SYS_setgroups, 0, nullptr) != 0 || ::syscall(SYS_setresgid, -1, id, id) != 0 ||
      ::syscall(SYS_setresuid, -1, id, id) != 0) {
    return false;
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  if (::syscall(SYS_capget, &header, sets) != 0) return false;
  for (__user_cap_data_struct& set : sets) set.effective = set.inheritable = set.permitted;
  if (::syscall(SYS_capset, &header, sets) != 0) return false;
  for (unsigned cap = 0; cap < 64; ++cap) {
    if ((sets[cap / 32].permitted >> (cap % 32) & 1) != 0 &&
        ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0) {
      return false;
    }
  }
  return true;
}

// Returns only on failure.
void RunChild(Plan* plan) {
  const auto fail = [plan](const char* step) {
    plan->error = errno;
    plan->step = step;
  };
  ResetSignals();
  if (plan->new_session) ::setsid();
  // Before the next line: a change of the effective uid takes the signal away (prctl(2)).
  if (plan->effective_id && !BecomeEffective(*plan->effective_id)) return fail("become the id");
  if (plan->die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (plan->cwd != nullptr && ::chdir(plan->cwd) != 0) return fail("chdir");
  for (int i = 0; i < plan->fd_count; ++i) {
    if (::dup2(plan->fds[i], i) < 0) return fail("dup2");
  }
  ::execve(plan->program, plan->argv, plan->env);
  fail("execve");
}

[[gnu::noinline]] pid_t VforkAndRun(Plan* plan) {
  const pid_t pid = ::vfork();
  if (pid == 0) {
    RunChild(plan);
    ::_exit(127);
  }
  return pid;
}

}  // namespace

Result<pid_t> Spawn(const SpawnOptions& options) {
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return Errno{errno, "open /dev/null"};
  // Sources below the last target would be overwritten by an earlier dup2: lift them all above it.
  // dup2 also clears CLOEXEC, which a source equal to its target would keep.
  const int count = static_cast<int>(options.fds.size());
  std::vector<UniqueFd> lifted;
  std::vector<int> sources;
  for (const int fd : options.fds) {
    lifted.emplace_back(::fcntl(fd < 0 ? null.get() : fd, F_DUPFD_CLOEXEC, count));
    if (!lifted.back()) return Errno{errno, "fcntl F_DUPFD_CLOEXEC"};
    sources.push_back(lifted.back().get());
  }
  const std::vector<char*> argv = Pointers(options.argv);
  const std::vector<char*> env = Pointers(options.env);
  Plan plan{options.program.c_str(),
            argv.data(),
            env.data(),
            options.cwd.empty() ? nullptr : options.cwd.c_str(),
            sources.data(),
            count,
            options.die_with_parent,
            options.new_session,
            options.effective_id};
  // A signal handler must not run in the child while it shares our memory.
  sigset_t all;
  sigset_t old;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &old);
  const pid_t pid = VforkAndRun(&plan);
  const int fork_error = errno;
  ::sigprocmask(SIG_SETMASK, &old, nullptr);
  if (pid < 0) return Errno{fork_error, "vfork"};
  if (plan.error != 0) {
    siginfo_t info;
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
    }
    return Errno{plan.error, plan.step};
  }
  return pid;
}

void CloseOthers(std::vector<int> keep_fds) {
  std::sort(keep_fds.begin(), keep_fds.end());
  unsigned from = 3;
  for (const int fd : keep_fds) {
    const auto keep = static_cast<unsigned>(fd);
    if (keep < from) continue;
    if (keep > from) ::syscall(SYS_close_range, from, keep - 1, 0);
    from = keep + 1;
  }
  ::syscall(SYS_close_range, from, ~0U, 0);
}

Result<pid_t> ForkHelper(const std::vector<int>& keep_fds, const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid < 0) return Errno{errno, "fork"};
  if (pid == 0) {
    CloseOthers(keep_fds);
    ResetSignals();
    ::_exit(body());
  }
  return pid;
}

std::optional<std::string> FindProgram(std::string_view name, std::string_view path) {
  if (name.find('/') != std::string_view::npos) {
    std::string direct(name);
    if (::access(direct.c_str(), X_OK) == 0) return direct;
    return std::nullopt;
  }
  while (!name.empty() && !path.empty()) {
    const std::size_t colon = path.find(':');
    const std::string_view dir = path.substr(0, colon);
    path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
    if (dir.empty()) continue;
    std::string candidate = std::string(dir) + "/" + std::string(name);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

}  // namespace vortex::base
