// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/socket_target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cctype>
#include <cstddef>
#include <cstring>

namespace vortex::sandbox {
namespace {

bool IsLoopback4(const unsigned char* address) {
  static constexpr unsigned char kAny[4] = {};
  return address[0] == 127 || std::memcmp(address, kAny, 4) == 0;
}

bool IsLoopback6(const in6_addr& address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) return IsLoopback4(address.s6_addr + 12);
  return IN6_IS_ADDR_LOOPBACK(&address) || IN6_IS_ADDR_UNSPECIFIED(&address);
}

}  // namespace

SocketTarget ParseSocketTarget(std::string_view bytes) {
  SocketTarget target;
  sa_family_t family = 0;
  if (bytes.size() < sizeof family) return target;
  std::memcpy(&family, bytes.data(), sizeof family);
  char text[INET6_ADDRSTRLEN] = {};
  if (family == AF_INET && bytes.size() >= sizeof(sockaddr_in)) {
    sockaddr_in address;
    std::memcpy(&address, bytes.data(), sizeof address);
    target.kind = SocketTarget::Kind::kInternet;
    target.port = ntohs(address.sin_port);
    target.host = ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    target.text = target.host + ":" + std::to_string(target.port);
    target.loopback = IsLoopback4(reinterpret_cast<const unsigned char*>(&address.sin_addr));
  } else if (family == AF_INET6 && bytes.size() >= offsetof(sockaddr_in6, sin6_scope_id)) {
    sockaddr_in6 address{};
    std::memcpy(&address, bytes.data(), std::min(bytes.size(), sizeof address));
    target.kind = SocketTarget::Kind::kInternet;
    target.port = ntohs(address.sin6_port);
    target.host = ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
    target.text = "[" + target.host + "]:" + std::to_string(target.port);
    target.loopback = IsLoopback6(address.sin6_addr);
  } else if (family == AF_UNIX && bytes.size() > offsetof(sockaddr_un, sun_path)) {
    const std::string_view path = bytes.substr(offsetof(sockaddr_un, sun_path));
    if (path.front() == '\0') {
      target.kind = SocketTarget::Kind::kUnixAbstract;
      target.text = "@" + std::string(path.substr(1));
    } else {
      target.kind = SocketTarget::Kind::kUnixPath;
      target.text = path.substr(0, path.find('\0'));
    }
  }
  return target;
}

std::string QuestionOf(std::string_view message) {
  constexpr std::size_t kHeader = 12, kLongestName = 255;
  if (message.size() < kHeader + 5) return "";
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(message[i]); };
  const bool query = (byte(2) & 0xf8) == 0;  // QR and OPCODE
  const int questions = byte(4) << 8 | byte(5);
  const int answers = byte(6) << 8 | byte(7);
  if (!query || questions != 1 || answers != 0) return "";
  std::string name;
  for (std::size_t at = kHeader; at < message.size();) {
    const std::size_t size = byte(at);
    ++at;
    if (size == 0) return at + 4 <= message.size() ? name : "";
    // 63 is the longest label; above are pointers, which a question has no use for.
    if (size > 63 || at + size > message.size() || name.size() + size + 1 > kLongestName) return "";
    if (!name.empty()) name += '.';
    for (const char c : message.substr(at, size)) {
      const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
      name += plain ? c : '?';
    }
    at += size;
  }
  return "";
}

}  // namespace vortex::sandbox
