// SPDX-License-Identifier: Apache-2.0
#include "policy/address_range.h"

#include <arpa/inet.h>

#include <array>
#include <cstdint>

#include "base/status.h"
#include "policy/text.h"
#include "policy/units.h"

namespace vortex::policy {

absl::StatusOr<std::string> ParseAddressRange(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  const bool v6 = address.find(':') != std::string::npos;
  std::array<std::uint8_t, 16> bytes{};
  const auto bits = slash == std::string_view::npos ? absl::StatusOr<std::int64_t>(-1)
                                                    : ParseCount(text.substr(slash + 1));
  const std::int64_t least = v6 ? 16 : 8, most = v6 ? 128 : 32;
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) != 1 || !bits.ok() ||
      *bits < 0) {
    return InvalidArgument(
        "{} is not an address range; write for example 10.1.0.0/16 or fd00:1::/32", Quoted(text));
  }
  if (*bits < least || *bits > most) {
    return InvalidArgument("{} fixes {} bits; an {} range fixes {} to {}", Quoted(text), *bits,
                           v6 ? "IPv6" : "IPv4", least, most);
  }
  for (std::int64_t bit = *bits; bit < most; ++bit) {
    if ((bytes[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8) & 1) == 0) continue;
    return InvalidArgument("{} has bits set beyond its first {}; write the range's first address",
                           Quoted(text), *bits);
  }
  std::array<char, INET6_ADDRSTRLEN> canonical{};
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), canonical.data(), canonical.size());
  return fmt::format("{}/{}", canonical.data(), *bits);
}

}  // namespace vortex::policy
