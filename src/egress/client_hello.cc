// SPDX-License-Identifier: Apache-2.0
#include "egress/client_hello.h"

#include <cstdint>
#include <optional>

namespace vortex::egress {
namespace {

using State = ClientHello::State;

constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kClientHello = 1;
constexpr unsigned kServerName = 0;
constexpr unsigned kEncryptedClientHello = 0xfe0d;
constexpr std::size_t kMaxRecord = 1 << 14;

// Takes pieces from the front; after the first that does not fit, everything is empty.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  std::string_view Take(std::size_t size) {
    if (failed_ || size > bytes_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return out;
  }
  unsigned Number(std::size_t size) {
    unsigned out = 0;
    for (const char c : Take(size)) out = out << 8 | static_cast<std::uint8_t>(c);
    return out;
  }
  // A vector with its length in front.
  std::string_view Vector(std::size_t length_size) { return Take(Number(length_size)); }

  bool failed() const { return failed_; }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

// The first name of a server_name extension; nothing when it is malformed.
std::optional<std::string> ReadServerName(std::string_view extension) {
  Cursor outer(extension);
  Cursor list(outer.Vector(2));
  if (outer.failed() || !outer.empty()) return std::nullopt;
  const unsigned type = list.Number(1);
  const std::string_view name = list.Vector(2);
  // One entry, of the one type there is: a second name would be anybody's guess.
  if (list.failed() || !list.empty() || type != 0 || name.empty()) return std::nullopt;
  return std::string(name);
}

ClientHello Malformed() { return {State::kMalformed, "", false}; }

ClientHello ReadBody(std::string_view body) {
  ClientHello out;
  Cursor hello(body);
  hello.Take(2 + 32);  // legacy_version, random
  const std::size_t session = hello.Vector(1).size();
  const std::size_t ciphers = hello.Vector(2).size();
  const std::size_t compression = hello.Vector(1).size();
  if (hello.failed() || session > 32 || ciphers < 2 || compression < 1) return Malformed();
  out.state = State::kComplete;
  if (hello.empty()) return out;  // TLS 1.2 allows none
  Cursor extensions(hello.Vector(2));
  if (hello.failed() || !hello.empty()) return Malformed();
  bool named = false;
  while (!extensions.empty()) {
    const unsigned type = extensions.Number(2);
    const std::string_view content = extensions.Vector(2);
    if (extensions.failed()) return Malformed();
    if (type == kEncryptedClientHello) out.encrypted = true;
    if (type != kServerName) continue;
    auto name = ReadServerName(content);
    if (!name || named) return Malformed();
    named = true;
    out.server_name = *std::move(name);
  }
  return out;
}

}  // namespace

ClientHello ParseClientHello(std::string_view bytes) {
  std::string message;
  while (true) {
    if (bytes.empty()) return {};
    if (static_cast<std::uint8_t>(bytes[0]) != kHandshake) {
      return message.empty() ? ClientHello{State::kNotTls, "", false} : Malformed();
    }
    if (bytes.size() >= 2 && bytes[1] != 3) return {State::kNotTls, "", false};
    if (bytes.size() < 5) return {};
    const std::size_t length = static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[3])) << 8 |
                               static_cast<std::uint8_t>(bytes[4]);
    // An empty handshake record is forbidden, and would keep this loop without progress.
    if (length == 0 || length > kMaxRecord) return Malformed();
    const std::string_view fragment = bytes.substr(5, length);
    const std::size_t with_record = message.size() + length;
    message += fragment;
    if (!message.empty() && static_cast<std::uint8_t>(message[0]) != kClientHello) {
      return Malformed();
    }
    if (message.size() >= 4) {
      Cursor header(message);
      header.Take(1);
      const std::size_t size = header.Number(3);
      if (size > kMaxClientHello) return Malformed();
      // More in the same record would be a second handshake message; a client has none to send. By
      // the declared length, so that the verdict does not depend on how the bytes arrive.
      if (with_record > 4 + size) return Malformed();
      if (message.size() == 4 + size) {
        return ReadBody(std::string_view(message).substr(4, size));
      }
    }
    if (fragment.size() < length) return {};
    bytes.remove_prefix(5 + length);
  }
}

}  // namespace vortex::egress
