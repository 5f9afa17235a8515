// SPDX-License-Identifier: Apache-2.0
// The server name in the first bytes of a TLS connection. Pure; untrusted input.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vortex::egress {

inline constexpr std::size_t kMaxClientHello = 16 * 1024;

struct ClientHello {
  enum class State {
    kNeedMore,   // all bytes so far fit; more must come
    kNotTls,     // not a TLS handshake record
    kMalformed,  // TLS, but not a ClientHello by the book, or longer than kMaxClientHello
    kComplete,
  };
  State state = State::kNeedMore;
  std::string server_name;  // as sent; empty: no server_name extension
  bool encrypted = false;   // has encrypted_client_hello: another name may hide behind this one
};

// Reads a ClientHello from the start of `bytes`, over as many records as it takes. Never looks
// beyond it.
//   Source  RFC 8446, sections 4.1.2 and 5.1; RFC 6066, section 3; RFC 9849 (extension 0xfe0d).
ClientHello ParseClientHello(std::string_view bytes);

}  // namespace vortex::egress
