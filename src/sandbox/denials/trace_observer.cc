// SPDX-License-Identifier: Apache-2.0
// Reads the trace session of one gVisor sandbox, in one thread. It cannot hold the plugin up and
// decides nothing: refusing is the sentry's.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "sandbox/denials/denial_log.h"
#include "sandbox/denials/event_budget.h"
#include "sandbox/denials/observer.h"
#include "sandbox/denials/observer_thread.h"
#include "sandbox/denials/trace_config.h"
#include "sandbox/denials/trace_events.h"
#include "sandbox/denials/unix_listener.h"

namespace vortex::sandbox {
namespace {

// Paths and socket addresses; a packet that is larger is cut by the kernel and then no event.
constexpr std::size_t kMaxPacket = 64 << 10;

// protobuf Handshake{version: 1}, in both directions.
constexpr char kHandshake[] = {0x08, 0x01};

// A sandbox that is dead has sent all it had; its end of the socket closes with it.
constexpr int kDrainMs = 200;

class TraceObserver : public DenialObserver {
 public:
  TraceObserver(ObserverConfig config, base::UniqueFd listener, base::UniqueFd stop)
      : config_(std::move(config)),
        listener_(std::move(listener)),
        budget_(EventBudget::Clock::now()),
        thread_(std::move(stop)) {
    packet_.resize(kMaxPacket);
    thread_.Start([this] { Serve(); });
  }

  Observed Stop() override {
    thread_.Join();
    Observed out;
    out.denials = log_.Records();
    // Its last events are lost when it is killed, so only a session that ended is whole; and when
    // the socket is full, which the end of a task, the last event of all, would tell.
    out.observation = DescribeObserver(
        config_, "sentry", greeted_ ? "" : "unavailable: the sandbox did not connect",
        budget_.dropped() + dropped_ + malformed_, ended_ && ended_by_exit_);
    return out;
  }

 private:
  void Serve() {
    for (bool stopping = false;;) {
      // One connection a sandbox: whoever comes second is not the sandbox that was started for us.
      pollfd fds[3] = {{thread_.stop_fd(), static_cast<short>(stopping ? 0 : POLLIN), 0},
                       {connection_ || ended_ ? -1 : listener_.get(), POLLIN, 0},
                       {connection_.get(), POLLIN, 0}};
      const int ready = ::poll(fds, 3, stopping ? kDrainMs : -1);
      if (stopping && (ready == 0 || !connection_)) return;
      if (ready < 0 && errno != EINTR) return;
      if (ready <= 0) continue;
      if (fds[0].revents != 0) stopping = true;
      if (fds[2].revents != 0) Receive();
      if (fds[1].revents != 0)
        connection_.Reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  }

  void Receive() {
    // In a row while there are more: the socket holds some 300, what does not fit is dropped.
    for (int i = 0; i < 256 && connection_; ++i) {
      const ssize_t n =
          ::recv(connection_.get(), packet_.data(), packet_.size(), MSG_DONTWAIT | MSG_TRUNC);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (n <= 0) {
        ended_ = n == 0;
        connection_.Reset();
        return;
      }
      if (!greeted_) {
        Greet(static_cast<std::size_t>(n));
      } else {
        Take(static_cast<std::size_t>(n));
      }
    }
  }

  void Greet(std::size_t size) {
    greeted_ = size >= sizeof kHandshake && size <= packet_.size() && packet_[0] == kHandshake[0];
    if (!greeted_ || ::send(connection_.get(), kHandshake, sizeof kHandshake, MSG_NOSIGNAL) < 0)
      connection_.Reset();
  }

  void Take(std::size_t size) {
    if (!budget_.Take(EventBudget::Clock::now())) return;
    if (size > packet_.size()) {
      ++malformed_;
      return;
    }
    const auto event = ParseTraceEvent(std::string_view(packet_).substr(0, size));
    if (!event) {
      ++malformed_;
      return;
    }
    dropped_ = event->dropped;
    ended_by_exit_ = event->type == kTaskExitEvent;
    const auto attempt = AttemptOf(*event, config_.granted_mounts, config_.reachable_hosts);
    if (attempt) log_.Add(*attempt, UnixNowNs());
  }

  const ObserverConfig config_;
  base::UniqueFd listener_;
  // The thread's until it has ended.
  base::UniqueFd connection_;
  std::string packet_;
  EventBudget budget_;
  DenialLog log_{"sentry"};
  std::uint64_t dropped_ = 0;
  std::uint64_t malformed_ = 0;
  bool greeted_ = false;
  bool ended_ = false;
  bool ended_by_exit_ = false;
  ObserverThread thread_;  // last, so that it ends before what it uses
};

}  // namespace

std::string TraceSocketPath(const std::string& run_dir) { return run_dir + "/trace"; }
std::string TraceConfigPath(const std::string& run_dir) { return run_dir + "/trace.json"; }

absl::StatusOr<std::unique_ptr<DenialObserver>> StartTraceObserver(const ObserverConfig& config) {
  VX_RETURN_IF_ERROR(base::WriteFileAtomic(
      TraceConfigPath(config.run_dir),
      TraceConfigJson(TraceSocketPath(config.run_dir), config.network, config.filesystem), 0600));
  VX_ASSIGN_OR_RETURN(base::UniqueFd listener,
                      ListenAt(TraceSocketPath(config.run_dir), SOCK_SEQPACKET));
  base::UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return ErrnoStatus(errno, "eventfd");
  return std::make_unique<TraceObserver>(config, std::move(listener), std::move(stop));
}

}  // namespace vortex::sandbox
