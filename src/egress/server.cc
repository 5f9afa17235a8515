// SPDX-License-Identifier: Apache-2.0
#include "egress/server.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <exception>

#include "base/status.h"
#include "egress/session.h"

namespace vortex::egress {
namespace {

using ControlSocket = asio::generic::seq_packet_protocol::socket;

// Connections that are only told that there are too many; beyond these they are closed unheard.
constexpr int kMaxBusy = 32;
constexpr std::chrono::milliseconds kAcceptPause{20};
// For what is said at the end: the runner reads, or is gone.
constexpr timeval kFinalSend{2, 0};

absl::StatusOr<std::vector<Address>> OwnAddresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return ErrnoStatus(errno, "getifaddrs");
  std::vector<Address> out;
  for (const ifaddrs* item = list; item != nullptr; item = item->ifa_next) {
    if (item->ifa_addr == nullptr) continue;
    Address address;
    if (item->ifa_addr->sa_family == AF_INET) {
      std::memcpy(address.bytes.data(),
                  &reinterpret_cast<const sockaddr_in*>(item->ifa_addr)->sin_addr, 4);
    } else if (item->ifa_addr->sa_family == AF_INET6) {
      address.v6 = true;
      std::memcpy(address.bytes.data(),
                  &reinterpret_cast<const sockaddr_in6*>(item->ifa_addr)->sin6_addr, 16);
    } else {
      continue;
    }
    out.push_back(address);
  }
  ::freeifaddrs(list);
  return out;
}

std::int64_t NowUnixNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class ServerImpl : public Server {
 public:
  ServerImpl(const Config& config, base::UniqueFd control, base::UniqueFd listener)
      : control_fd_(control.get()),
        control_(loop_, asio::generic::seq_packet_protocol(AF_UNIX, 0), control.Release()),
        acceptor_(loop_, tcp::v4(), listener.Release()),
        ledger_([this](const DenialRecord& denial) { Say(DenialMessage(denial), MSG_DONTWAIT); },
                NowUnixNs),
        limits_(config.limits) {}

  absl::Status Init(const Config& config) {
    VX_ASSIGN_OR_RETURN(RuleSet rules, RuleSet::Create(config.rules, config.denied_hosts));
    VX_ASSIGN_OR_RETURN(resolver_, Resolver::Create(loop_, config));
    VX_ASSIGN_OR_RETURN(std::vector<Address> own, OwnAddresses());
    context_.reset(
        new Context{loop_, std::move(rules), std::move(own), *resolver_, ledger_, config.limits});
    return absl::OkStatus();
  }

  void Run() override {
    asio::co_spawn(loop_, Accept(), asio::detached);
    asio::co_spawn(loop_, WatchControl(), asio::detached);
    Say(ReadyMessage(), 0);
    while (!stopped_) {
      try {
        loop_.run();
      } catch (const std::exception&) {
        // Out of memory in one session ends that session.
      }
    }
    SayAll();
  }

 private:
  // Whole messages or none. One that does not fit now is said again at the end.
  void Say(const std::string& message, int flags) {
    ErrorCode ignored;
    (void)::send(control_fd_, message.data(), message.size(), flags | MSG_NOSIGNAL);
  }

  void SayAll() {
    ErrorCode ignored;
    control_.native_non_blocking(false, ignored);
    ::setsockopt(control_fd_, SOL_SOCKET, SO_SNDTIMEO, &kFinalSend, sizeof kFinalSend);
    const ProxyReport report = ledger_.Report();
    for (const DenialRecord& denial : report.denials) Say(DenialMessage(denial), 0);
    for (const HostRecord& host : report.hosts) Say(HostMessage(host), 0);
    Say(EndMessage(report.connections), 0);
  }

  asio::awaitable<void> Accept() {
    while (true) {
      ErrorCode error;
      tcp::socket client =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        // Out of descriptors or memory: some session will end.
        asio::steady_timer pause(loop_, kAcceptPause);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      ledger_.CountConnection();
      if (active_ < limits_.connections) {
        asio::co_spawn(loop_, Serve(std::move(client)), asio::detached);
      } else if (busy_ < kMaxBusy) {
        asio::co_spawn(loop_, ServeBusy(std::move(client)), asio::detached);
      } else {
        ledger_.Deny("connect", "(proxy)", "egress.limit.connections", "");
      }
    }
  }

  asio::awaitable<void> Serve(tcp::socket client) {
    const Counted counted(active_);
    Session session(*context_, std::move(client));
    co_await session.Run();
  }

  asio::awaitable<void> ServeBusy(tcp::socket client) {
    const Counted counted(busy_);
    Session session(*context_, std::move(client));
    co_await session.RunBusy();
  }

  // The runner sends nothing more; it closes, or it dies.
  asio::awaitable<void> WatchControl() {
    ErrorCode error;
    co_await control_.async_wait(ControlSocket::wait_read,
                                 asio::redirect_error(asio::use_awaitable, error));
    stopped_ = true;
    acceptor_.close(error);
    loop_.stop();
  }

  struct Counted {
    explicit Counted(int& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    int& count_;
  };

  // Last to go: coroutines in it use the rest.
  asio::io_context loop_{1};
  int control_fd_;
  ControlSocket control_;
  tcp::acceptor acceptor_;
  Ledger ledger_;
  ProxyLimits limits_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<Context> context_;
  int active_ = 0;
  int busy_ = 0;
  bool stopped_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const Config& config, base::UniqueFd control,
                                                       base::UniqueFd listener) {
  auto server = std::make_unique<ServerImpl>(config, std::move(control), std::move(listener));
  VX_RETURN_IF_ERROR(server->Init(config));
  return server;
}

}  // namespace vortex::egress
