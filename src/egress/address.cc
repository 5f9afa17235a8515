// SPDX-License-Identifier: Apache-2.0
#include "egress/address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace vortex::egress {
namespace {

struct Special {
  AddressRange range;
  std::string_view use;
};

std::vector<Special> Table(std::initializer_list<std::pair<const char*, std::string_view>> rows) {
  std::vector<Special> out;
  for (const auto& [text, use] : rows) out.push_back({*AddressRange::Parse(text), use});
  return out;
}

// The narrow ones first: what is found first names the kind.
const std::vector<Special>& SpecialRanges() {
  static const auto& table = *new std::vector<Special>(Table({
      {"169.254.169.254", "metadata"},  // AWS, Google, Azure, OpenStack and others
      {"169.254.170.2", "metadata"},    // AWS task credentials
      {"168.63.129.16", "metadata"},    // Azure's platform service
      {"100.100.100.200", "metadata"},  // Alibaba
      {"192.0.0.192", "metadata"},      // Oracle
      {"fd00:ec2::254", "metadata"},    // AWS
      {"fd20:ce::254", "metadata"},     // Google
      {"0.0.0.0/8", "this network"},
      {"10.0.0.0/8", "private"},
      {"100.64.0.0/10", "carrier NAT"},
      {"127.0.0.0/8", "loopback"},
      {"169.254.0.0/16", "link-local"},
      {"172.16.0.0/12", "private"},
      {"192.0.0.0/24", "protocol assignment"},
      {"192.0.2.0/24", "documentation"},
      {"192.88.99.0/24", "6to4 relay"},
      {"192.168.0.0/16", "private"},
      {"198.18.0.0/15", "benchmarking"},
      {"198.51.100.0/24", "documentation"},
      {"203.0.113.0/24", "documentation"},
      {"224.0.0.0/4", "multicast"},
      {"240.0.0.0/4", "reserved"},
      {"::/128", "unspecified"},
      {"::1/128", "loopback"},
      {"::ffff:0:0/96", "IPv4-mapped"},
      {"::/96", "IPv4-compatible"},
      {"64:ff9b::/96", "NAT64"},
      {"64:ff9b:1::/48", "NAT64"},
      {"2001::/32", "Teredo"},
      {"2001::/23", "protocol assignment"},
      {"2001:db8::/32", "documentation"},
      {"2002::/16", "6to4"},
      {"3fff::/20", "documentation"},
      {"fc00::/7", "private"},
      {"fe80::/10", "link-local"},
      {"fec0::/10", "site-local"},
      {"ff00::/8", "multicast"},
  }));
  return table;
}

}  // namespace

std::optional<Address> Address::Parse(const std::string& text) {
  Address out;
  if (::inet_pton(AF_INET, text.c_str(), out.bytes.data()) == 1) return out;
  out.v6 = true;
  if (::inet_pton(AF_INET6, text.c_str(), out.bytes.data()) == 1) return out;
  return std::nullopt;
}

std::string Address::Text() const {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
  return text;
}

std::optional<AddressRange> AddressRange::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto base = Address::Parse(std::string(text.substr(0, slash)));
  if (!base) return std::nullopt;
  AddressRange out{*base, base->v6 ? 128 : 32};
  if (slash == std::string_view::npos) return out;
  const std::string_view digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 3) return std::nullopt;
  int bits = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    bits = bits * 10 + (c - '0');
  }
  if (bits > out.bits) return std::nullopt;
  out.bits = bits;
  for (int bit = bits; bit < (base->v6 ? 128 : 32); ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    if ((base->bytes[at] >> (7 - bit % 8) & 1) != 0) return std::nullopt;
  }
  return out;
}

bool AddressRange::Contains(const Address& address) const {
  if (address.v6 != base.v6) return false;
  for (int bit = 0; bit < bits; bit += 8) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const int left = std::min(8, bits - bit);
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - left));
    if ((address.bytes[at] & mask) != (base.bytes[at] & mask)) return false;
  }
  return true;
}

std::string_view SpecialUse(const Address& address) {
  for (const Special& row : SpecialRanges()) {
    if (row.range.Contains(address)) return row.use;
  }
  if (address.v6 && (address.bytes[0] & 0xe0) != 0x20) return "not global unicast";
  return {};
}

std::string_view Refusal(const Address& address, const std::vector<Address>& own,
                         const std::vector<AddressRange>& ranges) {
  std::string_view use = SpecialUse(address);
  if (use.empty() && std::find(own.begin(), own.end(), address) != own.end()) use = "this host's";
  if (use.empty()) return {};
  const int whole = address.v6 ? 128 : 32;
  for (const AddressRange& range : ranges) {
    if (range.Contains(address) && (use != "metadata" || range.bits == whole)) return {};
  }
  return use;
}

}  // namespace vortex::egress
