// SPDX-License-Identifier: Apache-2.0
#include "sandbox/egress.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>

#include "base/pidfd.h"
#include "base/status.h"
#include "egress/report.h"
#include "sandbox/egress_namespace.h"

namespace vortex::sandbox {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kReady{10'000};
constexpr milliseconds kEnd{3'000};
constexpr char kProgramName[] = "vortex-egress-proxy";

absl::StatusOr<std::string> FindProxy(const std::string& configured) {
  std::vector<fs::path> candidates;
  if (!configured.empty()) {
    candidates.emplace_back(configured);
  } else {
    std::error_code error;
    const fs::path bin = fs::read_symlink("/proc/self/exe", error).parent_path();
    candidates = {bin / kProgramName, bin / "../libexec/vortex" / kProgramName,
                  fs::path("/usr/libexec/vortex") / kProgramName};
  }
  for (const fs::path& path : candidates) {
    if (::access(path.c_str(), X_OK) == 0) return path.string();
  }
  return Error(absl::StatusCode::kFailedPrecondition,
               "egress proxy: no program at {}; install vortex-egress-proxy or name it with "
               "--egress-proxy",
               candidates.back().string());
}

egress::Config MakeConfig(const EgressOptions& options, const policy::Grant& grant, uid_t uid) {
  egress::Config config;
  config.uid = uid;
  config.gid = uid;
  for (const policy::NetworkRule& rule : grant.network) {
    config.rules.push_back({rule.host, rule.port, rule.address_ranges});
  }
  config.denied_hosts = grant.denied_hosts;
  config.hosts = options.hosts;
  config.dns_servers = options.dns_servers;
  config.limits = options.limits;
  return config;
}

// posix_spawn, since the runner has threads: nothing of ours runs in the child.
absl::StatusOr<pid_t> SpawnProxy(const std::string& program, int control, int listener) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_RDWR, 0);
#if !defined(__SANITIZE_ADDRESS__)
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_RDWR, 0);
#endif
  posix_spawn_file_actions_adddup2(&actions, control, egress::kControlFd);
  posix_spawn_file_actions_adddup2(&actions, listener, egress::kListenFd);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A session of its own: Ctrl-C at the terminal is for the runner, which then ends the run.
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  sigset_t signals;
  ::sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  ::sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  std::string name = kProgramName;
  char* argv[] = {name.data(), nullptr};
  char* env[] = {nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, argv, env);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return ErrnoStatus(error, fmt::format("start {}", program));
  return pid;
}

// One message; nothing when the time is over. Empty text: the other side has closed.
std::optional<std::string> ReceiveOne(int fd, Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    pollfd poll{fd, POLLIN, 0};
    const int ready = ::poll(&poll, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    std::string message(egress::kMaxMessage, '\0');
    const ssize_t size = ::recv(fd, message.data(), message.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    message.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return message;
  }
}

Denial ToDenial(const egress::DenialRecord& from) {
  return {.control = "network",
          .action = from.action,
          .target = from.target,
          .rule = from.rule,
          .witness = "proxy",
          .count = from.count,
          .first_unix_ns = from.first_unix_ns,
          .last_unix_ns = from.last_unix_ns,
          .allowed_by = from.allowed_by};
}

}  // namespace

std::string EgressNamespacePath(const std::string& run_dir) { return run_dir + "/netns"; }

absl::StatusOr<std::unique_ptr<EgressLink>> EgressLink::Start(const EgressOptions& options,
                                                              const policy::Grant& grant,
                                                              const std::string& run_dir,
                                                              uid_t uid) {
  VX_ASSIGN_OR_RETURN(const std::string program, FindProxy(options.proxy_program));
  std::unique_ptr<EgressLink> link(new EgressLink(EgressNamespacePath(run_dir)));
  auto listener =
      MakeEgressNamespace(link->namespace_path_, egress::kProxyAddress, egress::kProxyPort);
  if (!listener.ok()) return Annotate(listener.status(), "egress namespace");
  const absl::Status started =
      link->StartProxy(program, *std::move(listener), MakeConfig(options, grant, uid));
  if (!started.ok()) return Annotate(started, "egress proxy");
  return link;
}

absl::Status EgressLink::StartProxy(const std::string& program, base::UniqueFd listener,
                                    const egress::Config& config) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoStatus(errno, "socketpair");
  }
  control_ = base::UniqueFd(ends[0]);
  const base::UniqueFd theirs(ends[1]);
  // Above the two targets, so that neither dup2 can hit the other's source.
  const base::UniqueFd control(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, 10));
  const base::UniqueFd lifted(::fcntl(listener.get(), F_DUPFD_CLOEXEC, 10));
  if (!control || !lifted) return ErrnoStatus(errno, "fcntl F_DUPFD_CLOEXEC");
  VX_ASSIGN_OR_RETURN(pid_, SpawnProxy(program, control.get(), lifted.get()));
  auto pidfd = base::PidfdOpen(pid_);
  if (!pidfd.ok()) return ErrnoStatus(pidfd.error().value, fmt::format("pidfd of {}", pid_));
  pidfd_ = std::move(pidfd).value();
  const std::string text = egress::ToJson(config);
  if (::send(control_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) {
    return ErrnoStatus(errno, "send its config");
  }
  return AwaitReady();
}

absl::Status EgressLink::AwaitReady() {
  const auto message = ReceiveOne(control_.get(), Clock::now() + kReady);
  egress::ProxyReport report;
  if (message && !message->empty()) VX_RETURN_IF_ERROR(egress::TakeMessage(*message, report));
  if (report.ready) return absl::OkStatus();
  if (!report.failure.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, "{}", report.failure);
  }
  return Error(absl::StatusCode::kUnavailable, "{}",
               message ? "it ended before it was ready: " + AwaitEnd()
                       : fmt::format("not ready within {} ms", kReady.count()));
}

EgressLink::~EgressLink() {
  if (pidfd_) AwaitEnd();
  RemoveEgressNamespace(namespace_path_);
}

std::string EgressLink::AwaitEnd() {
  siginfo_t info{};
  pollfd poll{pidfd_.get(), POLLIN, 0};
  control_.Reset();
  if (::poll(&poll, 1, static_cast<int>(kEnd.count())) <= 0) {
    base::PidfdKill(pidfd_.get(), SIGKILL);
  }
  const base::UniqueFd pidfd = std::move(pidfd_);
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0) {
    if (errno != EINTR) return "its end was seen by somebody else";
  }
  if (info.si_code == CLD_EXITED) return fmt::format("exit code {}", info.si_status);
  const char* name = ::sigabbrev_np(info.si_status);
  return fmt::format("SIG{}", name != nullptr ? name : std::to_string(info.si_status));
}

void EgressLink::Finish(SandboxResult& result) {
  if (!pidfd_) return;
  // The end of our side is the proxy's sign to tell all and go.
  ::shutdown(control_.get(), SHUT_WR);
  egress::ProxyReport report;
  const auto deadline = Clock::now() + kEnd;
  while (const auto message = ReceiveOne(control_.get(), deadline)) {
    if (message->empty()) break;
    // A record that we cannot read is a proxy that is not ours any more; the rest may still be.
    if (!egress::TakeMessage(*message, report).ok()) result.egress.problem = "unreadable record";
  }
  const std::string end = AwaitEnd();
  result.egress.connections = report.connections;
  if (!report.complete) {
    result.egress.problem = fmt::format(
        "the egress proxy ended before the run ({}): connections after that were refused, and "
        "counts are missing",
        end);
  }
  for (const egress::DenialRecord& denial : report.denials) {
    result.denials.push_back(ToDenial(denial));
  }
  for (const egress::HostRecord& host : report.hosts) {
    result.egress.hosts.push_back(
        {host.host, host.port, host.connections, host.failures, host.bytes_out, host.bytes_in});
  }
}

}  // namespace vortex::sandbox
