// SPDX-License-Identifier: Apache-2.0
#include "support/private_containerd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "base/files.h"
#include "base/pidfd.h"
#include "base/status.h"
#include "support/private_cleanup.h"

namespace vortex::testing {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kStartLimit = std::chrono::seconds(30);

std::string FindProgram(const std::string& name) {
  for (const char* dir : {"/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/"})
    if (::access((dir + name).c_str(), X_OK) == 0) return dir + name;
  return "";
}

// Starts `args` with the given stdin and with stdout and stderr to `log_fd`; only calls that are
// safe between fork and exec, as the caller may have threads.
pid_t SpawnProgram(const std::vector<std::string>& args, int stdin_fd, int log_fd,
                   bool dies_with_us) {
  std::vector<char*> argv;
  for (const auto& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  if (dies_with_us) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
  } else {
    ::setsid();
  }
  ::dup2(stdin_fd, STDIN_FILENO);
  ::dup2(log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

// 0 or the errno.
int TryConnect(const std::string& path) {
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ? 0
                                                                                         : errno;
}

}  // namespace

std::string WhyNoContainerd() {
  if (::geteuid() != 0) return "not root";
  for (const char* program : {"containerd", "containerd-shim-runc-v2", "runc"})
    if (FindProgram(program).empty()) return std::string(program) + " is not installed";
  return "";
}

absl::StatusOr<std::unique_ptr<PrivateContainerd>> PrivateContainerd::Start() {
  char name[] = "/tmp/vortex-ctd-XXXXXX";
  if (::mkdtemp(name) == nullptr) return ErrnoStatus(errno, "mkdtemp /tmp/vortex-ctd-XXXXXX");
  // Containers in user namespaces must be able to walk to their root filesystems.
  ::chmod(name, 0711);
  std::unique_ptr<PrivateContainerd> out(new PrivateContainerd(name));
  VX_RETURN_IF_ERROR(out->WriteConfig());
  VX_RETURN_IF_ERROR(out->StartJanitor());
  VX_RETURN_IF_ERROR(out->Spawn());
  return out;
}

PrivateContainerd::~PrivateContainerd() {
  Kill9();
  RemovePrivateContainerd(dir_);
  if (janitor_pid_ > 0) {
    [[maybe_unused]] const ssize_t written = ::write(janitor_.get(), "d", 1);
    janitor_.Reset();
    ::waitpid(janitor_pid_, nullptr, 0);
  }
}

absl::Status PrivateContainerd::WriteConfig() const {
  const std::string config = fmt::format(
      "version = 2\n"
      "root = \"{0}/root\"\n"
      "state = \"{0}/state\"\n"
      "disabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.snapshotter.v1.aufs\",\n"
      "  \"io.containerd.snapshotter.v1.btrfs\", \"io.containerd.snapshotter.v1.devmapper\",\n"
      "  \"io.containerd.snapshotter.v1.zfs\", \"io.containerd.tracing.processor.v1.otlp\",\n"
      "  \"io.containerd.internal.v1.tracing\"]\n"
      "[grpc]\n"
      "address = \"{1}\"\n"
      "[plugins.\"io.containerd.internal.v1.opt\"]\n"
      "path = \"{0}/opt\"\n",
      dir_, address());
  return base::WriteFileAtomic(dir_ + "/config.toml", config, 0600);
}

absl::Status PrivateContainerd::StartJanitor() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe2");
  const base::UniqueFd read_end(ends[0]);
  janitor_.Reset(ends[1]);
  janitor_pid_ = SpawnProgram({VORTEX_JANITOR, dir_}, read_end.get(), STDERR_FILENO, false);
  return janitor_pid_ > 0 ? absl::OkStatus() : ErrnoStatus(errno, "fork the janitor");
}

absl::Status PrivateContainerd::Spawn() {
  ::unlink(address().c_str());
  VX_ASSIGN_OR_RETURN(const auto null, base::OpenFile("/dev/null", O_RDONLY));
  VX_ASSIGN_OR_RETURN(const auto log,
                      base::OpenFile(dir_ + "/log", O_WRONLY | O_CREAT | O_APPEND, 0600));
  pid_ = SpawnProgram({FindProgram("containerd"), "--config", dir_ + "/config.toml"}, null.get(),
                      log.get(), true);
  if (pid_ < 0) return ErrnoStatus(errno, "fork containerd");
  auto pidfd = base::PidfdOpen(pid_);
  if (!pidfd.ok()) return ErrnoStatus(pidfd.error().value, "pidfd_open containerd");
  pidfd_ = std::move(pidfd).value();
  return AwaitSocket();
}

absl::Status PrivateContainerd::AwaitSocket() {
  // Created before the first look, so that nothing is missed.
  const base::UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (::inotify_add_watch(watch.get(), dir_.c_str(), IN_CREATE | IN_MOVED_TO | IN_ATTRIB) < 0)
    return ErrnoStatus(errno, "inotify_add_watch " + dir_);
  const auto deadline = Clock::now() + kStartLimit;
  while (true) {
    const int error = TryConnect(address());
    if (error == 0) return absl::OkStatus();
    std::array<pollfd, 2> fds{{{watch.get(), POLLIN, 0}, {pidfd_.get(), POLLIN, 0}}};
    // Between bind(2) and listen(2) there is no event to wait for.
    const int limit_ms = error == ECONNREFUSED ? 5 : 1'000;
    ::poll(fds.data(), fds.size(), limit_ms);
    if (fds[1].revents != 0)
      return Error(absl::StatusCode::kUnavailable, "containerd ended while starting: {}", Log());
    if (Clock::now() > deadline)
      return Error(absl::StatusCode::kDeadlineExceeded, "containerd does not listen: {}", Log());
    std::array<char, 4096> events{};
    while (::read(watch.get(), events.data(), events.size()) > 0) {
    }
  }
}

void PrivateContainerd::Signal(int signal) {
  if (pidfd_.valid()) base::PidfdKill(pidfd_.get(), signal);
}

bool PrivateContainerd::AwaitDeath(int timeout_ms) {
  if (!pidfd_.valid()) return true;
  pollfd fd{pidfd_.get(), POLLIN, 0};
  if (::poll(&fd, 1, timeout_ms) != 1) return false;
  ::waitpid(pid_, nullptr, 0);
  pidfd_.Reset();
  pid_ = -1;
  return true;
}

absl::Status PrivateContainerd::Restart() {
  Signal(SIGTERM);
  if (!AwaitDeath(10'000)) Kill9();
  return Spawn();
}

void PrivateContainerd::Kill9() {
  Signal(SIGKILL);
  AwaitDeath(10'000);
}

void PrivateContainerd::Freeze() {
  Signal(SIGSTOP);
  // All its threads have stopped only when we are told so.
  ::waitpid(pid_, nullptr, WUNTRACED);
}
void PrivateContainerd::Thaw() { Signal(SIGCONT); }

std::string PrivateContainerd::Log() const {
  auto log = base::ReadFile(dir_ + "/log", 64 << 20);
  if (!log.ok()) return std::string(Message(log.status()));
  return log->size() > 4096 ? log->substr(log->size() - 4096) : *log;
}

}  // namespace vortex::testing
