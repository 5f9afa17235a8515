// SPDX-License-Identifier: Apache-2.0
// Takes the descriptor of the sandbox's seccomp filter from the runtime and answers every trapped
// call, in one thread. While it lives no call waits for long; when it is gone, trapped calls fail
// with ENOSYS, which is the safe side.
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "base/status.h"
#include "base/unique_fd.h"
#include "sandbox/denials/call_judge.h"
#include "sandbox/denials/denial_log.h"
#include "sandbox/denials/event_budget.h"
#include "sandbox/denials/hand_over.h"
#include "sandbox/denials/observer.h"
#include "sandbox/denials/observer_thread.h"
#include "sandbox/denials/unix_listener.h"

namespace vortex::sandbox {
namespace {

// Since Linux 6.6: waking the caller on the processor that answered saves a migration.
constexpr unsigned long kSetFlags = SECCOMP_IOW(4, __u64);
constexpr std::uint64_t kSyncWakeUp = 1;

constexpr std::size_t kMostFilters = 4;  // init's; one is the rule
constexpr std::size_t kMostConnections = 8;

// One that can let a call go on: Linux 5.5. The sizes came with 5.0, and no later action tells.
bool KernelNotifies() {
  const std::uint32_t action = SECCOMP_RET_USER_NOTIF;
  seccomp_notif_sizes sizes{};
  utsname system{};
  int major = 0, minor = 0;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0 && ::uname(&system) == 0 &&
         std::sscanf(system.release, "%d.%d", &major, &minor) == 2 &&
         (major > 5 || (major == 5 && minor >= 5));
}

// Not yet in the sandbox: what would be looked up is the node's own.
bool IsOurRoot(int root) {
  struct stat theirs {
  }, ours{};
  return ::fstat(root, &theirs) != 0 || ::stat("/", &ours) != 0 ||
         (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino);
}

class SeccompObserver : public DenialObserver {
 public:
  SeccompObserver(ObserverConfig config, base::UniqueFd listener, base::UniqueFd stop)
      : config_(std::move(config)),
        listener_(std::move(listener)),
        budget_(EventBudget::Clock::now()),
        thread_(std::move(stop)) {
    seccomp_notif_sizes sizes{};
    ::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
    request_.resize(std::max<std::size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)));
    response_.resize(std::max<std::size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)));
    thread_.Start([this] { Serve(); });
  }

  Observed Stop() override {
    thread_.Join();
    // It holds the sandbox's root, which is to be unmounted next.
    judge_.reset();
    filters_.clear();
    Observed out;
    out.denials = log_.Records();
    std::string why_not;
    if (!handed_over_)
      why_not = "unavailable: " + (problem_.empty() ? "no filter was handed over" : problem_);
    out.observation = DescribeObserver(config_, "kernel", why_not, budget_.dropped(), true);
    return out;
  }

 private:
  void Serve() {
    BecomePlugin();
    for (bool stopping = false;;) {
      std::vector<pollfd> fds = {{thread_.stop_fd(), static_cast<short>(stopping ? 0 : POLLIN), 0},
                                 {listener_.get(), POLLIN, 0}};
      for (const HandOver& connection : connections_) fds.push_back({connection.fd(), POLLIN, 0});
      for (const base::UniqueFd& filter : filters_) fds.push_back({filter.get(), POLLIN, 0});
      // Once asked to stop, what is already waiting still gets its answer.
      const int ready = ::poll(fds.data(), fds.size(), stopping ? 0 : -1);
      if (ready == 0 && stopping) return;
      if (ready < 0 && errno != EINTR) return;  // trapped calls fail from now on
      if (ready < 0) continue;
      if (fds[0].revents != 0) stopping = true;
      // From the end, since an entry may go away.
      const std::size_t first_filter = 2 + connections_.size();
      for (std::size_t i = fds.size(); i-- > first_filter;) {
        if ((fds[i].revents & POLLIN) != 0) {
          Answer(filters_[i - first_filter].get());
        } else if (fds[i].revents != 0) {
          // The last process under the filter is gone.
          filters_.erase(filters_.begin() + static_cast<std::ptrdiff_t>(i - first_filter));
        }
      }
      for (std::size_t i = first_filter; i-- > 2;)
        if (fds[i].revents != 0) Advance(i - 2);
      if (fds[1].revents != 0) Accept();
    }
  }

  // Path look-ups are to give what they give to the plugin. The ids of files are the thread's own,
  // and with them go the capabilities that pass by permissions; those to look into another process
  // stay. The kernel marks the whole process as not to be dumped then; it is not ours to change.
  //   Source  setfsuid(2), capabilities(7); glibc's setgroups is for all threads, so not that one
  void BecomePlugin() const {
    const int dumpable = ::prctl(PR_GET_DUMPABLE);
    ::syscall(SYS_setgroups, 0, nullptr);
    ::setfsgid(config_.plugin_host_uid);
    ::setfsuid(config_.plugin_host_uid);
    if (dumpable == 1) ::prctl(PR_SET_DUMPABLE, 1);
  }

  void Accept() {
    base::UniqueFd connection(
        ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection || connections_.size() >= kMostConnections) return;
    connections_.emplace_back(std::move(connection));
    Advance(connections_.size() - 1);
  }

  void Advance(std::size_t index) {
    const absl::StatusOr<bool> done = connections_[index].Advance(config_.run_id, config_.metadata);
    if (done.ok() && !*done) return;
    if (!done.ok()) {
      problem_ = Message(done.status());
    } else if (filters_.size() < kMostFilters) {
      filters_.push_back(connections_[index].TakeFd());
      handed_over_ = true;
      std::uint64_t flags = kSyncWakeUp;
      (void)::ioctl(filters_.back().get(), kSetFlags, flags);
    }
    connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  void Answer(int filter) {
    std::fill(request_.begin(), request_.end(), '\0');
    auto* request = reinterpret_cast<seccomp_notif*>(request_.data());
    // ENOENT: its caller is gone.
    if (::ioctl(filter, SECCOMP_IOCTL_NOTIF_RECV, request) != 0) return;
    const Ruling ruling = Judge(*request);
    std::fill(response_.begin(), response_.end(), '\0');
    auto* response = reinterpret_cast<seccomp_notif_resp*>(response_.data());
    response->id = request->id;
    if (ruling.errno_value != 0) {
      response->error = -ruling.errno_value;
    } else {
      response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    }
    // Taken by the very call that was looked at, so its pid was never another's meanwhile; only
    // then it has happened.
    if (::ioctl(filter, SECCOMP_IOCTL_NOTIF_SEND, response) == 0 && ruling.attempt)
      log_.Add(*ruling.attempt, UnixNowNs());
  }

  Ruling Judge(const seccomp_notif& request) {
    if (request.pid == 0 || !budget_.Take(EventBudget::Clock::now()))
      return CallJudge::JudgeByNumber(request.data);
    const TargetTask task(static_cast<pid_t>(request.pid));
    if (!judge_) {
      // By the first call the runtime has entered the sandbox's root: it loads the filter last.
      base::UniqueFd root = task.Root();
      if (!root || IsOurRoot(root.get())) return CallJudge::JudgeByNumber(request.data);
      judge_.emplace(JudgeConfig{.network = config_.network,
                                 .filesystem = config_.filesystem,
                                 .plugin_host_uid = config_.plugin_host_uid,
                                 .has_capabilities = config_.has_capabilities,
                                 .granted_mounts = config_.granted_mounts,
                                 .reachable_hosts = config_.reachable_hosts},
                     PathResolver(std::move(root)));
    }
    return judge_->Judge(request.data, task);
  }

  const ObserverConfig config_;
  base::UniqueFd listener_;
  // The thread's until it has ended.
  std::vector<HandOver> connections_;
  std::vector<base::UniqueFd> filters_;
  std::optional<CallJudge> judge_;
  EventBudget budget_;
  DenialLog log_{"kernel"};
  std::string request_, response_;
  bool handed_over_ = false;
  std::string problem_;
  ObserverThread thread_;  // last, so that it ends before what it uses
};

}  // namespace

std::string WhyNoSeccompObserver(const std::string& run_dir) {
  if (!KernelNotifies()) return "unavailable: this kernel has no seccomp notification (Linux 5.5)";
  if (SeccompListenerPath(run_dir).size() >= sizeof(sockaddr_un::sun_path))
    return "unavailable: the path of the run directory is too long for a socket: " + run_dir;
  return "";
}

std::string SeccompListenerPath(const std::string& run_dir) { return run_dir + "/seccomp"; }

absl::StatusOr<std::unique_ptr<DenialObserver>> StartSeccompObserver(const ObserverConfig& config) {
  VX_ASSIGN_OR_RETURN(base::UniqueFd listener,
                      ListenAt(SeccompListenerPath(config.run_dir), SOCK_STREAM));
  base::UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return ErrnoStatus(errno, "eventfd");
  return std::make_unique<SeccompObserver>(config, std::move(listener), std::move(stop));
}

}  // namespace vortex::sandbox
