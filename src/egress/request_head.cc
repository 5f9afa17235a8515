// SPDX-License-Identifier: Apache-2.0
#include "egress/request_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "egress/beast.h"
#include "egress/host_name.h"

namespace vortex::egress {
namespace {

constexpr char kSyntax[] = "egress.request.syntax";
constexpr char kFraming[] = "egress.request.framing";
constexpr char kTarget[] = "egress.request.target";
constexpr char kUpgrade[] = "egress.request.upgrade";

using Fields = http::fields;

bool IsToken(char c) {
  static constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kOther.find(c) != std::string_view::npos;
}

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Not beast::iequals: that of Boost 1.74 reads a byte behind both texts when they differ in case
// (found by egress_fuzz).
bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

// Lists of tokens as Connection has them.
bool HasToken(std::string_view list, std::string_view token) {
  return http::token_list(beast::string_view(list.data(), list.size()))
      .exists(beast::string_view(token.data(), token.size()));
}

// The one value of a field that may be there once at most.
struct Single {
  std::size_t count = 0;
  std::string value;
};

Single Find(const Fields& fields, http::field name) {
  Single out;
  const auto [begin, end] = fields.equal_range(name);
  for (auto it = begin; it != end; ++it) {
    ++out.count;
    out.value = std::string(View(it->value()));
  }
  return out;
}

std::optional<Problem> ReadFraming(const http::request_header<>& header, RequestHead& head) {
  const Single length = Find(header, http::field::content_length);
  const Single coding = Find(header, http::field::transfer_encoding);
  if (length.count > 1) return Problem{kFraming, "more than one Content-Length"};
  if (coding.count > 1) return Problem{kFraming, "more than one Transfer-Encoding"};
  if (length.count == 1 && coding.count == 1) {
    return Problem{kFraming, "both Content-Length and Transfer-Encoding"};
  }
  if (coding.count == 1) {
    if (!EqualIgnoringCase(coding.value, "chunked")) {
      return Problem{kFraming, "a Transfer-Encoding that is not exactly chunked"};
    }
    if (header.version() < 11) return Problem{kFraming, "Transfer-Encoding before HTTP/1.1"};
    head.chunked = true;
  }
  if (length.count == 1) {
    const std::string& digits = length.value;
    if (digits.empty() || digits.size() > 18 ||
        !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      return Problem{kFraming, "a Content-Length that is not one decimal number"};
    }
    head.content_length = std::stoull(digits);
  }
  return std::nullopt;
}

bool SetHost(std::string_view authority, std::optional<std::uint16_t> default_port,
             RequestHead& head) {
  const auto parsed = ParseAuthority(authority);
  if (!parsed || (!parsed->port && !default_port)) return false;
  head.host = parsed->host;
  head.port = parsed->port ? *parsed->port : *default_port;
  return true;
}

std::optional<Problem> ReadTarget(const http::request_header<>& header, RequestHead& head) {
  const std::string_view target = View(header.target());
  if (head.connect) {
    if (SetHost(target, std::nullopt, head)) return std::nullopt;
    return Problem{kTarget, "CONNECT needs host:port"};
  }
  constexpr std::string_view kScheme = "http://";
  if (target.size() < kScheme.size() ||
      !EqualIgnoringCase(target.substr(0, kScheme.size()), kScheme)) {
    return Problem{kTarget,
                   "the target is not an http:// URL; this is a proxy, and https goes by CONNECT"};
  }
  const std::string_view rest = target.substr(kScheme.size());
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  if (!SetHost(rest.substr(0, end), 80, head)) {
    return Problem{kTarget, "the URL has no plain host[:port]"};
  }
  head.origin_target = std::string(rest.substr(end));
  if (head.origin_target.find('#') != std::string::npos) {
    return Problem{kTarget, "the URL has a fragment"};
  }
  if (!head.origin_target.starts_with('/')) head.origin_target.insert(0, "/");
  return std::nullopt;
}

std::string_view WithoutFinalDot(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  return text;
}

std::optional<Problem> CheckHostField(const http::request_header<>& header,
                                      const RequestHead& head) {
  const Single field = Find(header, http::field::host);
  if (field.count > 1) return Problem{kFraming, "more than one Host"};
  if (field.count == 0) {
    if (header.version() < 11) return std::nullopt;
    return Problem{kSyntax, "no Host"};
  }
  RequestHead named;
  const bool fine =
      SetHost(field.value, head.connect ? std::uint16_t{443} : std::uint16_t{80}, named);
  // A CONNECT's Host often has no port; then it speaks of the name alone.
  const bool ports_agree =
      fine && (named.port == head.port || (head.connect && !ParseAuthority(field.value)->port));
  const bool hosts_agree =
      EqualIgnoringCase(WithoutFinalDot(named.host), WithoutFinalDot(head.host));
  if (fine && ports_agree && hosts_agree) return std::nullopt;
  return Problem{kTarget, "Host and target disagree"};
}

std::optional<Problem> CheckUpgrade(const http::request_header<>& header) {
  if (header.find(http::field::upgrade) == header.end()) return std::nullopt;
  return Problem{kUpgrade, "Upgrade is not for this proxy; WebSockets go over https"};
}

}  // namespace

std::optional<Problem> CheckRawHead(std::string_view bytes) {
  std::size_t line = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (c == '\n') return Problem{kSyntax, "a line that ends without CR"};
    if (c == '\r') {
      if (i + 1 == bytes.size()) return std::nullopt;
      if (bytes[i + 1] != '\n') return Problem{kSyntax, "a CR inside a line"};
      if (i == line) {
        if (line == 0) return Problem{kSyntax, "an empty line before the request"};
        return std::nullopt;
      }
      line = i + 2;
      ++i;
      continue;
    }
    if (c == 0x7f || (c < 0x20 && c != '\t')) return Problem{kSyntax, "a control character"};
    if (i == line) {
      if (line != 0 && (c == ' ' || c == '\t')) return Problem{kSyntax, "a folded header line"};
      // Also what a TLS or a SOCKS client would send first.
      if (!IsToken(static_cast<char>(c))) return Problem{kSyntax, "not an HTTP request"};
    }
    if (line == 0 && (c >= 0x80 || c == '\t')) {
      return Problem{kSyntax, "a request line with more than printable ASCII"};
    }
  }
  return std::nullopt;
}

HeadResult ParseHead(std::string_view text) {
  HeadResult out;
  if ((out.problem = CheckRawHead(text))) return out;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(text.size() + 1));
  parser.body_limit(kNoLimit);
  parser.eager(false);
  boost::system::error_code error;
  parser.put(asio::buffer(text.data(), text.size()), error);
  const http::request_header<>& header = parser.get();
  // Beast has its own words for what is wrong with the framing; ours name the attack.
  if (error && !parser.is_header_done()) {
    const std::string_view rule =
        error == http::error::bad_content_length || error == http::error::bad_transfer_encoding
            ? kFraming
            : kSyntax;
    out.problem = Problem{std::string(rule), error.message()};
    return out;
  }
  if (!parser.is_header_done()) {
    out.problem = Problem{kSyntax, "the head has no end"};
    return out;
  }
  out.head.connect = header.method() == http::verb::connect;
  if ((out.problem = ReadTarget(header, out.head))) return out;
  if ((out.problem = ReadFraming(header, out.head))) return out;
  if ((out.problem = CheckHostField(header, out.head))) return out;
  if (out.head.connect && (out.head.chunked || out.head.content_length > 0)) {
    out.problem = Problem{kFraming, "CONNECT with a body"};
    return out;
  }
  if ((out.problem = CheckUpgrade(header))) return out;
  const Single expect = Find(header, http::field::expect);
  out.head.expects_continue = expect.count == 1 && HasToken(expect.value, "100-continue");
  return out;
}

}  // namespace vortex::egress
