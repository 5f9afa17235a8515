// SPDX-License-Identifier: Apache-2.0
// Names of hosts, as requests and rules write them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vortex::egress {

// A name as DNS compares it: lower case, no final dot. Nothing for what is not a name: other than
// letters, digits, hyphens and dots (so "ä.example" must come as "xn--…"), empty or long labels, a
// hyphen at a label's end, more than 253 characters, a last label that is a number.
//   Source  RFC 1123, section 2.1; RFC 5890 (LDH labels); RFC 1035, section 2.3.4.
std::optional<std::string> NormalizeHost(std::string_view text);

// Whether some library could take `text` for an IP address: IPv6 with or without brackets and zone,
// IPv4 in decimal, octal or hex with 1 to 4 parts ("127.1", "0x7f000001", "017700000001"), and
// whatever else ends in a number.
//   Source  inet_aton(3); WHATWG URL, "ends in a number".
bool LooksLikeAddress(std::string_view text);

struct Authority {
  std::string host;  // as written, brackets kept
  std::optional<std::uint16_t> port;
};

// "host", "host:port", "[v6]:port". Nothing for userinfo, empty hosts, ports out of 1-65535 or with
// anything but digits.
std::optional<Authority> ParseAuthority(std::string_view text);

}  // namespace vortex::egress
