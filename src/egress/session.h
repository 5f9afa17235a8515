// SPDX-License-Identifier: Apache-2.0
// One connection of the plugin to the proxy: one request, judged, then one tunnel or one exchange.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "egress/beast.h"
#include "egress/ledger.h"
#include "egress/refusal.h"
#include "egress/request_head.h"
#include "egress/resolver.h"
#include "egress/rules.h"
#include "egress/watchdog.h"

namespace vortex::egress {

// What all sessions of a proxy share; outlives them.
struct Context {
  asio::io_context& loop;
  RuleSet rules;
  std::vector<Address> own_addresses;  // of this host
  Resolver& resolver;
  Ledger& ledger;
  ProxyLimits limits;
};

class Session {
 public:
  Session(Context& context, tcp::socket client);

  // To the end of the connection. Never throws.
  asio::awaitable<void> Run();
  // Answers only that there are too many connections.
  asio::awaitable<void> RunBusy();

 private:
  // Nothing: the head is in head_text_ and what came after it in pending_.
  asio::awaitable<std::optional<Refused>> ReadHead();
  // Judges host and port, resolves, judges the addresses, connects upstream_.
  asio::awaitable<std::optional<Refused>> Reach();
  asio::awaitable<std::optional<Refused>> Dial(const std::vector<Address>& addresses);

  asio::awaitable<void> Tunnel();
  // Nothing: pending_ starts with a ClientHello for host_.
  asio::awaitable<std::optional<Refused>> CheckHello(bool* is_tls);
  asio::awaitable<void> Copy(tcp::socket& from, tcp::socket& to, std::uint64_t& counter);

  asio::awaitable<void> Exchange();

  // Records a denial and answers; then waits a little for the client to have read it.
  asio::awaitable<void> Refuse(Refused refused);
  void Record(const Refused& refused);
  asio::awaitable<void> SendAndLinger(std::string bytes);
  Refused Deny(std::string rule, std::string detail, std::string allowed_by = "") const;
  Refused Fail(int status, std::string rule, std::string detail) const;

  Context& context_;
  tcp::socket client_;
  tcp::socket upstream_;
  Watchdog watchdog_;
  std::string head_text_;
  std::string pending_;
  RequestHead head_;
  std::string host_;  // normalized
  const char* action_ = "request";
  std::string note_;  // for the record only, not for the plugin
  HostRecord* record_ = nullptr;
};

}  // namespace vortex::egress
