// SPDX-License-Identifier: Apache-2.0
// IP addresses and what they are good for. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vortex::egress {

struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 uses the first four

  // Plain dotted or colon text only, as inet_pton(3) reads it.
  static std::optional<Address> Parse(const std::string& text);
  std::string Text() const;
  bool operator==(const Address&) const = default;
};

struct AddressRange {
  Address base;
  int bits = 0;  // 0-32, 0-128

  // "10.1.0.0/16", "fd00::/8", or one address. Bits below the prefix must be zero.
  static std::optional<AddressRange> Parse(std::string_view text);
  bool Contains(const Address& address) const;
};

// Why nobody should be sent to `address` by a name: "private", "loopback", "link-local",
// "metadata", …; empty for an ordinary address of the internet. Of IPv6 only 2000::/3 is ordinary,
// and no address that carries an IPv4 one (mapped, NAT64, 6to4, Teredo).
//   Source  IANA special-purpose address registries (RFC 6890); cloud providers' documents for the
//           metadata services.
std::string_view SpecialUse(const Address& address);

// Whether a connection to `address` is fine: it is ordinary and not one of this host's own, or
// `ranges` has it. A metadata service is reached only through a range that is exactly its address.
// Empty: fine; else the kind of address.
std::string_view Refusal(const Address& address, const std::vector<Address>& own,
                         const std::vector<AddressRange>& ranges);

}  // namespace vortex::egress
