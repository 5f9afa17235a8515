// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <cstddef>

namespace vortex::base {
namespace {

// Length of the sequence that a lead byte begins, and the range of its second byte.
struct Lead {
  std::size_t length;
  unsigned char low, high;
};

Lead Classify(unsigned char c) {
  if (c < 0x80) return {1, 0, 0};
  if (c >= 0xc2 && c <= 0xdf) return {2, 0x80, 0xbf};
  if (c == 0xe0) return {3, 0xa0, 0xbf};
  if (c == 0xed) return {3, 0x80, 0x9f};
  if (c >= 0xe1 && c <= 0xef) return {3, 0x80, 0xbf};
  if (c == 0xf0) return {4, 0x90, 0xbf};
  if (c >= 0xf1 && c <= 0xf3) return {4, 0x80, 0xbf};
  if (c == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

}  // namespace

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto at = [&](std::size_t k) { return static_cast<unsigned char>(text[i + k]); };
    const Lead lead = Classify(at(0));
    if (lead.length == 0 || i + lead.length > text.size()) return false;
    if (lead.length > 1 && (at(1) < lead.low || at(1) > lead.high)) return false;
    for (std::size_t k = 2; k < lead.length; ++k) {
      if (at(k) < 0x80 || at(k) > 0xbf) return false;
    }
    i += lead.length;
  }
  return true;
}

std::size_t ControlLength(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = static_cast<unsigned char>(text[0]);
  if (byte < 0x20 || byte == 0x7f) return 1;
  if (text.size() >= 2 && byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) return 2;
  if (text.starts_with("\u061c")) return 2;
  const std::string_view mark = text.substr(0, 3);
  const auto between = [&](std::string_view low, std::string_view high) {
    return mark.size() == 3 && mark >= low && mark <= high;
  };
  const bool turns =
      between("\u200e", "\u200f") || between("\u2028", "\u202e") || between("\u2066", "\u2069");
  return turns ? 3 : 0;
}

}  // namespace vortex::base
