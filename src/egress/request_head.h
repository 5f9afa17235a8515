// SPDX-License-Identifier: Apache-2.0
// The head of a request to the proxy: judged as bytes first, then by meaning, so that no other
// program could read another request in it. Pure; untrusted input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vortex::egress {

// Why a request is refused, in the one shape that all refusals have.
struct Problem {
  std::string rule;  // "egress.request.framing"; docs/user/egress.md lists them
  std::string detail;
};

struct RequestHead {
  bool connect = false;
  std::string host;  // as written in the target
  std::uint16_t port = 0;
  std::string origin_target;  // "/path?query"; empty for CONNECT
  bool chunked = false;
  std::uint64_t content_length = 0;
  bool expects_continue = false;
};

// What can be said of the first bytes already: something that can never become a good head. `bytes`
// may end anywhere.
std::optional<Problem> CheckRawHead(std::string_view bytes);

// `head` ends with its empty line. Refused are, beyond what RFC 9112 forbids: folded lines, bare CR
// or LF, more than one Host or Content-Length, Content-Length beside Transfer-Encoding, any coding
// but chunked, a Host that is not the target's, targets without scheme and host, userinfo, Upgrade.
//   Source  RFC 9110, 9112 (section 11.2, request smuggling).
struct HeadResult {
  std::optional<Problem> problem;
  RequestHead head;  // with a problem: what is known of host and port
};
HeadResult ParseHead(std::string_view head);

}  // namespace vortex::egress
