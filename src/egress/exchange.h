// SPDX-License-Identifier: Apache-2.0
// One plain HTTP request and its response, each parsed and written anew: what the two ends see is
// what was judged, and nothing else that the bytes could also have meant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "egress/beast.h"
#include "egress/config.h"
#include "egress/refusal.h"
#include "egress/report.h"
#include "egress/request_head.h"
#include "egress/watchdog.h"

namespace vortex::egress {

class Exchange {
 public:
  Exchange(tcp::socket& client, tcp::socket& upstream, Watchdog& watchdog,
           const ProxyLimits& limits, HostRecord& record)
      : client_(client),
        upstream_(upstream),
        watchdog_(watchdog),
        limits_(limits),
        record_(record) {}

  // `head_text` is the head that was judged, `pending` what came after it. Both connections end
  // with the exchange. A refusal: nothing has been answered yet; with status 0 nothing can be.
  asio::awaitable<std::optional<Refused>> Run(const RequestHead& head, const std::string& head_text,
                                              std::string pending);

 private:
  asio::awaitable<std::optional<Refused>> SendRequest(const RequestHead& head,
                                                      const std::string& head_text,
                                                      std::string pending);
  asio::awaitable<std::optional<Refused>> SendResponse();

  // Moves the body that `parser` reads from `from` to `to`, in chunks or as it is. False: one of
  // the two ended too soon, `from_failed_` says which.
  template <typename Parser>
  asio::awaitable<bool> MoveBody(Parser& parser, tcp::socket& from, std::string pending,
                                 tcp::socket& to, bool chunked, std::uint64_t* read_bytes,
                                 std::uint64_t* written_bytes);
  asio::awaitable<bool> Write(tcp::socket& to, const std::string& bytes, std::uint64_t* counter);

  tcp::socket& client_;
  tcp::socket& upstream_;
  Watchdog& watchdog_;
  const ProxyLimits& limits_;
  HostRecord& record_;
  bool head_request_ = false;
  bool from_failed_ = false;
  std::string parse_error_;
};

}  // namespace vortex::egress
