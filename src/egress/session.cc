// SPDX-License-Identifier: Apache-2.0
#include "egress/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "base/status.h"
#include "egress/client_hello.h"
#include "egress/exchange.h"
#include "egress/host_name.h"

namespace vortex::egress {
namespace {

using std::chrono::milliseconds;

constexpr char kByGrant[] =
    "an entry {host, port} under network.allow of the manifest, and one of the operator's policy";
constexpr char kByRange[] = "the address in address_ranges of the operator's entry for this host";

// How long a refused client has to read its answer, and how much it may still send meanwhile.
constexpr milliseconds kLinger{1'000};
constexpr std::size_t kLingerBytes = 1 << 20;
constexpr std::size_t kMaxDialled = 6;
constexpr std::size_t kTunnelBuffer = 64 << 10;

tcp::endpoint Endpoint(const Address& address, std::uint16_t port) {
  if (address.v6) return {asio::ip::address_v6(address.bytes), port};
  asio::ip::address_v4::bytes_type bytes{};
  std::copy_n(address.bytes.begin(), bytes.size(), bytes.begin());
  return {asio::ip::address_v4(bytes), port};
}

void Close(tcp::socket& socket) {
  ErrorCode ignored;
  socket.close(ignored);
}

}  // namespace

Session::Session(Context& context, tcp::socket client)
    : context_(context),
      client_(std::move(client)),
      upstream_(context.loop),
      watchdog_(context.loop, [this] {
        ErrorCode ignored;
        client_.cancel(ignored);
        upstream_.cancel(ignored);
      }) {}

asio::awaitable<void> Session::Run() {
  std::optional<Refused> refused = co_await ReadHead();
  if (!refused) refused = co_await Reach();
  if (refused) {
    co_await Refuse(*std::move(refused));
  } else if (head_.connect) {
    co_await Tunnel();
  } else {
    co_await Exchange();
  }
  watchdog_.Disarm();
  Close(upstream_);
  Close(client_);
}

asio::awaitable<void> Session::RunBusy() {
  action_ = "connect";
  context_.ledger.Deny(action_, "(proxy)", "egress.limit.connections", "");
  const Refused refused =
      Fail(503, "egress.limit.connections",
           fmt::format("more than {} connections at once", context_.limits.connections));
  std::string answer = RefusalResponse(refused);
  co_await SendAndLinger(std::move(answer));
  watchdog_.Disarm();
}

asio::awaitable<std::optional<Refused>> Session::ReadHead() {
  // One deadline for the whole head, however the bytes trickle in.
  watchdog_.Arm(context_.limits.header_timeout);
  std::array<char, 4096> buffer;
  const auto limit = static_cast<std::size_t>(context_.limits.header_bytes);
  while (true) {
    ErrorCode error;
    const std::size_t size = co_await client_.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (watchdog_.bitten()) {
      co_return Fail(408, "egress.request.timeout",
                     fmt::format("no complete request head within {} ms",
                                 context_.limits.header_timeout.count()));
    }
    if (error) co_return Fail(0, "", "");  // gone: nobody to answer
    const std::size_t searched = pending_.size() < 3 ? 0 : pending_.size() - 3;
    pending_.append(buffer.data(), size);
    if (auto problem = CheckRawHead(pending_)) co_return Deny(problem->rule, problem->detail);
    const std::size_t end = pending_.find("\r\n\r\n", searched);
    if (end != std::string::npos && end + 4 <= limit) {
      head_text_ = pending_.substr(0, end + 4);
      pending_.erase(0, end + 4);
      break;
    }
    if (end != std::string::npos || pending_.size() > limit) {
      co_return Fail(431, "egress.request.too_large",
                     fmt::format("a request head of more than {} bytes", limit));
    }
  }
  watchdog_.Disarm();
  HeadResult result = ParseHead(head_text_);
  head_ = std::move(result.head);
  action_ = head_.connect ? "connect" : "request";
  if (result.problem) co_return Deny(result.problem->rule, result.problem->detail);
  co_return std::nullopt;
}

asio::awaitable<std::optional<Refused>> Session::Reach() {
  if (LooksLikeAddress(head_.host)) {
    co_return Deny("egress.host.literal", "an address instead of a name");
  }
  const auto host = NormalizeHost(head_.host);
  if (!host) co_return Deny("egress.host.name", "not a host name in ASCII letters");
  host_ = *host;
  const RuleSet::Match match = context_.rules.Find(host_, head_.port);
  if (match.denied) co_return Deny("egress.denied", "the operator denies this host");
  if (!match.host) co_return Deny("egress.host", "no rule names this host", kByGrant);
  if (!match.port) co_return Deny("egress.port", "no rule names this port of the host", kByGrant);

  // Only now does the name leave the host.
  record_ = &context_.ledger.Host(host_, head_.port);
  absl::StatusOr<std::vector<Address>> answer = co_await context_.resolver.Resolve(host_);
  if (!answer.ok()) {
    ++record_->failures;
    co_return Fail(absl::IsDeadlineExceeded(answer.status()) ? 504 : 502, "egress.upstream.resolve",
                   std::string(Message(answer.status())));
  }
  std::vector<Address> fine;
  std::string_view kind;
  for (const Address& address : *answer) {
    const std::string_view refusal = Refusal(address, context_.own_addresses, match.ranges);
    if (refusal.empty()) {
      fine.push_back(address);
      continue;
    }
    kind = refusal;
    if (note_.empty()) note_ = address.Text();
  }
  if (fine.empty()) {
    action_ = "resolve";
    co_return Deny("egress.address", fmt::format("the name leads to a {} address only", kind),
                   kByRange);
  }
  note_.clear();
  co_return co_await Dial(fine);
}

asio::awaitable<std::optional<Refused>> Session::Dial(const std::vector<Address>& addresses) {
  const std::size_t count = std::min(addresses.size(), kMaxDialled);
  const auto deadline = Watchdog::Clock::now() + context_.limits.connect_timeout;
  ErrorCode error;
  bool late = false;
  for (std::size_t i = 0; i < count; ++i) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Watchdog::Clock::now());
    // A share of the rest each, so that a dead first address leaves time for the second.
    watchdog_.Arm(std::max(milliseconds(1), left / static_cast<int>(count - i)));
    Close(upstream_);
    co_await upstream_.async_connect(Endpoint(addresses[i], head_.port),
                                     asio::redirect_error(asio::use_awaitable, error));
    late = watchdog_.bitten();
    watchdog_.Disarm();
    if (!error && !late) {
      ErrorCode ignored;
      upstream_.set_option(tcp::no_delay(true), ignored);
      client_.set_option(tcp::no_delay(true), ignored);
      ++record_->connections;
      co_return std::nullopt;
    }
  }
  ++record_->failures;
  if (late) {
    co_return Fail(
        504, "egress.upstream.connect",
        fmt::format("no connection within {} ms", context_.limits.connect_timeout.count()));
  }
  co_return Fail(502, "egress.upstream.connect", error.message());
}

asio::awaitable<void> Session::Tunnel() {
  watchdog_.Arm(context_.limits.header_timeout);
  static constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";
  ErrorCode error;
  co_await asio::async_write(client_, asio::buffer(kEstablished),
                             asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return;
  bool is_tls = false;
  if (std::optional<Refused> refused = co_await CheckHello(&is_tls)) {
    if (refused->status == 0) co_return;
    action_ = "tls";
    Record(*refused);
    // Named, as every object in these coroutines that is made by choice: g++ 12 destroys such
    // temporaries of a co_await twice.
    std::string answer;
    if (is_tls) {
      answer = RefusalAlert();
    } else {
      answer = RefusalResponse(*refused);
    }
    co_await SendAndLinger(std::move(answer));
    co_return;
  }
  watchdog_.Arm(context_.limits.idle_timeout);
  co_await asio::async_write(upstream_, asio::buffer(pending_),
                             asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return;
  record_->bytes_out += pending_.size();
  pending_.clear();

  bool other_done = false;
  asio::steady_timer done(context_.loop, asio::steady_timer::time_point::max());
  asio::co_spawn(context_.loop, Copy(upstream_, client_, record_->bytes_in),
                 [&](std::exception_ptr) {
                   other_done = true;
                   done.cancel();
                 });
  co_await Copy(client_, upstream_, record_->bytes_out);
  if (!other_done) co_await done.async_wait(asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<std::optional<Refused>> Session::CheckHello(bool* is_tls) {
  std::array<char, 4096> buffer;
  while (true) {
    const ClientHello hello = ParseClientHello(pending_);
    *is_tls = hello.state != ClientHello::State::kNotTls;
    switch (hello.state) {
      case ClientHello::State::kNotTls:
        co_return Deny("egress.tls.not_tls", "only TLS goes through CONNECT");
      case ClientHello::State::kMalformed:
        co_return Deny("egress.tls.malformed", "not a TLS ClientHello");
      case ClientHello::State::kComplete:
        if (hello.encrypted) {
          co_return Deny("egress.tls.ech", "an encrypted ClientHello hides the name");
        }
        if (NormalizeHost(hello.server_name) != host_) {
          note_ = "SNI " + hello.server_name;
          co_return Deny("egress.tls.sni", "the server name in TLS is not the host of CONNECT");
        }
        co_return std::nullopt;
      case ClientHello::State::kNeedMore:
        break;
    }
    ErrorCode error;
    const std::size_t size = co_await client_.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (watchdog_.bitten() || error) co_return Fail(0, "", "");
    pending_.append(buffer.data(), size);
    if (pending_.size() > 2 * kMaxClientHello) {
      co_return Deny("egress.tls.malformed", "a ClientHello without end");
    }
  }
}

asio::awaitable<void> Session::Copy(tcp::socket& from, tcp::socket& to, std::uint64_t& counter) {
  std::vector<char> buffer(kTunnelBuffer);
  ErrorCode error;
  while (true) {
    const std::size_t size = co_await from.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    counter += size;
    watchdog_.Touch();
    co_await asio::async_write(to, asio::buffer(buffer.data(), size),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    watchdog_.Touch();
  }
  ErrorCode ignored;
  if (error == asio::error::eof) {
    to.shutdown(tcp::socket::shutdown_send, ignored);
    co_return;
  }
  // Also ends the other direction.
  Close(from);
  Close(to);
}

asio::awaitable<void> Session::Exchange() {
  egress::Exchange exchange(client_, upstream_, watchdog_, context_.limits, *record_);
  std::optional<Refused> refused = co_await exchange.Run(head_, head_text_, std::move(pending_));
  if (!refused || refused->status == 0) co_return;
  refused->host = head_.host;
  refused->port = head_.port;
  co_await Refuse(*std::move(refused));
}

asio::awaitable<void> Session::Refuse(Refused refused) {
  if (refused.status == 0) co_return;
  Record(refused);
  std::string answer = RefusalResponse(refused);
  co_await SendAndLinger(std::move(answer));
}

void Session::Record(const Refused& refused) {
  if (refused.status != 403) return;
  std::string target =
      head_.host.empty() ? std::string("(no host)") : fmt::format("{}:{}", head_.host, head_.port);
  if (!host_.empty()) target = fmt::format("{}:{}", host_, head_.port);
  if (!note_.empty()) target += " (" + note_ + ")";
  context_.ledger.Deny(action_, std::move(target), refused.rule, refused.allowed_by);
}

// Closing at once, with bytes of the client unread, would reset the connection and take the answer
// away from it.
asio::awaitable<void> Session::SendAndLinger(std::string bytes) {
  watchdog_.Arm(kLinger);
  ErrorCode error;
  co_await asio::async_write(client_, asio::buffer(bytes),
                             asio::redirect_error(asio::use_awaitable, error));
  client_.shutdown(tcp::socket::shutdown_send, error);
  std::array<char, 4096> sink;
  for (std::size_t total = 0; !error && !watchdog_.bitten() && total < kLingerBytes;) {
    total += co_await client_.async_read_some(asio::buffer(sink),
                                              asio::redirect_error(asio::use_awaitable, error));
  }
}

Refused Session::Deny(std::string rule, std::string detail, std::string allowed_by) const {
  return {403, std::move(rule), std::move(detail), head_.host, head_.port, std::move(allowed_by)};
}

Refused Session::Fail(int status, std::string rule, std::string detail) const {
  return {status, std::move(rule), std::move(detail), head_.host, head_.port, ""};
}

}  // namespace vortex::egress
