// SPDX-License-Identifier: Apache-2.0
#include "egress/exchange.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

namespace vortex::egress {
namespace {

constexpr std::size_t kBuffer = 32 << 10;
// Informational responses before the real one.
constexpr int kMaxInterim = 8;

std::string Text(beast::string_view view) { return std::string(view.data(), view.size()); }

Refused Failure(int status, const char* rule, std::string detail) {
  return {status, rule, std::move(detail), "", 0, ""};
}

Refused Gone() { return {0, "", "", "", 0, ""}; }

// Fields that speak of one connection, or that we write ourselves.
//   Source  RFC 9110, section 7.6.1.
template <typename Header>
std::string EndToEndFields(const Header& header) {
  http::token_list named(header[http::field::connection]);
  std::string out;
  for (const auto& field : header) {
    switch (field.name()) {
      case http::field::connection:
      case http::field::content_length:
      case http::field::expect:
      case http::field::host:
      case http::field::keep_alive:
      case http::field::proxy_authenticate:
      case http::field::proxy_authorization:
      case http::field::proxy_connection:
      case http::field::te:
      case http::field::trailer:
      case http::field::transfer_encoding:
      case http::field::upgrade:
        continue;
      default:
        break;
    }
    if (named.exists(field.name_string())) continue;
    out += Text(field.name_string()) + ": " + Text(field.value()) + "\r\n";
  }
  return out;
}

std::string HostField(const RequestHead& head) {
  return head.port == 80 ? head.host : fmt::format("{}:{}", head.host, head.port);
}

}  // namespace

asio::awaitable<std::optional<Refused>> Exchange::Run(const RequestHead& head,
                                                      const std::string& head_text,
                                                      std::string pending) {
  watchdog_.Arm(limits_.idle_timeout);
  std::optional<Refused> refused = co_await SendRequest(head, head_text, std::move(pending));
  if (!refused) refused = co_await SendResponse();
  if (refused && refused->status != 403 && refused->status != 0) ++record_.failures;
  co_return refused;
}

asio::awaitable<std::optional<Refused>> Exchange::SendRequest(const RequestHead& head,
                                                              const std::string& head_text,
                                                              std::string pending) {
  http::request_parser<http::buffer_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(head_text.size() + 1));
  parser.body_limit(kNoLimit);
  parser.eager(false);
  ErrorCode error;
  parser.put(asio::buffer(head_text), error);
  if (!parser.is_header_done()) {  // it was parsed before
    co_return Failure(403, "egress.request.syntax", error.message());
  }
  const auto& request = parser.get();
  head_request_ = request.method() == http::verb::head;
  std::string out = Text(request.method_string()) + " " + head.origin_target +
                    (request.version() < 11 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  out += "Host: " + HostField(head) + "\r\n" + EndToEndFields(request);
  if (head.chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (request.find(http::field::content_length) != request.end()) {
    out += fmt::format("Content-Length: {}\r\n", head.content_length);
  }
  out += "Connection: close\r\n\r\n";
  if (!co_await Write(upstream_, out, &record_.bytes_out)) {
    co_return Failure(502, "egress.upstream.connect", "the host closed the connection");
  }
  if (!head.chunked && head.content_length == 0) co_return std::nullopt;
  if (head.expects_continue && request.version() >= 11) {
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!co_await Write(client_, go_on, nullptr)) co_return Gone();
  }
  const bool moved = co_await MoveBody(parser, client_, std::move(pending), upstream_, head.chunked,
                                       nullptr, &record_.bytes_out);
  if (moved) co_return std::nullopt;
  if (watchdog_.bitten()) {
    if (!from_failed_) {
      co_return Failure(504, "egress.upstream.timeout", "the host takes no more of the request");
    }
    co_return Failure(
        408, "egress.request.timeout",
        fmt::format("no byte of the body within {} ms", limits_.idle_timeout.count()));
  }
  if (from_failed_) {
    if (parse_error_.empty()) co_return Gone();
    co_return Failure(403, "egress.request.framing", parse_error_);
  }
  // The host may have answered and closed without reading to the end.
  co_return std::nullopt;
}

asio::awaitable<std::optional<Refused>> Exchange::SendResponse() {
  std::string pending;
  std::array<char, 8192> buffer;
  for (int interim = 0; interim <= kMaxInterim; ++interim) {
    http::response_parser<http::buffer_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser.body_limit(kNoLimit);
    parser.eager(false);
    if (head_request_) parser.skip(true);
    while (!parser.is_header_done()) {
      ErrorCode error;
      if (!pending.empty()) {
        const std::size_t used = parser.put(asio::buffer(pending), error);
        pending.erase(0, used);
        if (parser.is_header_done()) break;
        if (error && error != http::error::need_more) {
          co_return Failure(502, "egress.upstream.response", error.message());
        }
      }
      const std::size_t size = co_await upstream_.async_read_some(
          asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
      if (watchdog_.bitten()) {
        co_return Failure(504, "egress.upstream.timeout",
                          fmt::format("no response within {} ms", limits_.idle_timeout.count()));
      }
      if (error) {
        co_return Failure(502, "egress.upstream.response",
                          "the host closed the connection without a response");
      }
      record_.bytes_in += size;
      watchdog_.Touch();
      pending.append(buffer.data(), size);
    }
    const auto& response = parser.get();
    const unsigned status = response.result_int();
    if (status == 101) {
      co_return Failure(502, "egress.upstream.response", "the host switched protocols unasked");
    }
    if (status < 200) continue;
    std::string out = fmt::format("HTTP/1.1 {} {}\r\n", status, Text(response.reason()));
    out += EndToEndFields(response);
    const bool chunked = !head_request_ && parser.chunked();
    if (chunked) {
      out += "Transfer-Encoding: chunked\r\n";
    } else if (const auto length = response.find(http::field::content_length);
               length != response.end() && !parser.chunked()) {
      out += "Content-Length: " + Text(length->value()) + "\r\n";
    }
    out += "Connection: close\r\n\r\n";
    if (!co_await Write(client_, out, nullptr)) co_return Gone();
    if (!parser.is_done()) {
      co_await MoveBody(parser, upstream_, std::move(pending), client_, chunked, &record_.bytes_in,
                        nullptr);
    }
    co_return std::nullopt;
  }
  co_return Failure(502, "egress.upstream.response", "informational responses without end");
}

template <typename Parser>
asio::awaitable<bool> Exchange::MoveBody(Parser& parser, tcp::socket& from, std::string pending,
                                         tcp::socket& to, bool chunked, std::uint64_t* read_bytes,
                                         std::uint64_t* written_bytes) {
  parser.eager(true);
  from_failed_ = false;
  std::vector<char> input(kBuffer);
  std::vector<char> output(kBuffer);
  bool starved = pending.empty();
  while (!parser.is_done()) {
    ErrorCode error;
    auto& body = parser.get().body();
    body.data = output.data();
    body.size = output.size();
    body.more = true;
    bool ended = false;
    if (starved) {
      const std::size_t size = co_await from.async_read_some(
          asio::buffer(input), asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::eof) {
        ended = true;
      } else if (error) {
        from_failed_ = true;
        co_return false;
      } else {
        if (read_bytes != nullptr) *read_bytes += size;
        watchdog_.Touch();
        pending.append(input.data(), size);
      }
      error = {};
    }
    if (ended) {
      parser.put_eof(error);
      if (error) {
        from_failed_ = true;
        co_return false;
      }
    } else {
      const std::size_t used = parser.put(asio::buffer(pending), error);
      pending.erase(0, used);
      starved = error == http::error::need_more || pending.empty();
      if (error && error != http::error::need_more && error != http::error::need_buffer) {
        from_failed_ = true;
        parse_error_ = error.message();
        co_return false;
      }
    }
    const std::size_t produced = output.size() - body.size;
    if (produced == 0) continue;
    std::string out;
    if (chunked) out = fmt::format("{:x}\r\n", produced);
    out.append(output.data(), produced);
    if (chunked) out += "\r\n";
    if (!co_await Write(to, out, written_bytes)) co_return false;
  }
  if (!chunked) co_return true;
  const std::string last = "0\r\n\r\n";
  co_return co_await Write(to, last, written_bytes);
}

asio::awaitable<bool> Exchange::Write(tcp::socket& to, const std::string& bytes,
                                      std::uint64_t* counter) {
  ErrorCode error;
  const std::size_t size = co_await asio::async_write(
      to, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
  if (counter != nullptr) *counter += size;
  watchdog_.Touch();
  co_return !error && !watchdog_.bitten();
}

}  // namespace vortex::egress
