// SPDX-License-Identifier: Apache-2.0
// Socket addresses and DNS questions, as bytes that a plugin chose. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vortex::sandbox {

struct SocketTarget {
  enum class Kind { kOther, kUnixPath, kUnixAbstract, kInternet };
  Kind kind = Kind::kOther;
  std::string text;  // "192.0.2.1:80", "[2001:db8::1]:443", the path of a unix socket
  std::string host;  // the address alone
  std::uint16_t port = 0;
  bool loopback = false;  // 127.0.0.0/8, ::1, their mapped forms; and the "any" addresses, which
                          // connect(2) takes for loopback
};

// From the bytes of a struct sockaddr; kOther for anything that is too short or of another family.
SocketTarget ParseSocketTarget(std::string_view bytes);

// The name that a DNS message asks for ("example.com"); empty when the bytes are no query with a
// question, in the form of RFC 1035 section 4.1. Labels keep letters, digits, '-' and '_'; other
// bytes become '?'.
std::string QuestionOf(std::string_view message);

}  // namespace vortex::sandbox
