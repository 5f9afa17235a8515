// SPDX-License-Identifier: Apache-2.0
#include "policy/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "base/utf8.h"

namespace vortex::policy {
namespace {

constexpr std::size_t kShown = 64;

// Bytes of the character at the front; 0 when it is not UTF-8.
std::size_t CharacterSize(std::string_view text) {
  for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size) {
    if (base::IsUtf8(text.substr(0, size))) return size;
  }
  return 0;
}

// `character` is one well-formed UTF-8 sequence.
char32_t CodePoint(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  char32_t code = byte(0) & (0x7fU >> character.size());
  for (std::size_t i = 1; i < character.size(); ++i) code = code << 6 | (byte(i) & 0x3fU);
  return code;
}

bool IsBad(char32_t code) {
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool separator = code == 0x2028 || code == 0x2029;
  const bool directional = code == 0x200e || code == 0x200f || code == 0x061c ||
                           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return control || separator || directional;
}

}  // namespace

std::optional<BadCharacter> FindBadCharacter(std::string_view text, std::string_view allowed) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = CharacterSize(text.substr(at));
    if (size == 0) {
      return BadCharacter{at, fmt::format("the byte 0x{:02x}, which is not UTF-8",
                                          static_cast<unsigned char>(text[at]))};
    }
    const char32_t code = CodePoint(text.substr(at, size));
    const bool fine = size == 1 && allowed.find(text[at]) != std::string_view::npos;
    if (!fine && IsBad(code)) {
      return BadCharacter{
          at, fmt::format("the control character U+{:04X}", static_cast<std::uint32_t>(code))};
    }
    at += size;
  }
  return std::nullopt;
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    if (at >= kShown) return out + "…\"";
    const std::size_t size = CharacterSize(text.substr(at));
    const std::string_view character = text.substr(at, std::max<std::size_t>(size, 1));
    if (size == 0 || IsBad(CodePoint(character))) {
      for (const char c : character) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      }
    } else {
      out += character;
    }
    at += character.size();
  }
  return out + "\"";
}

}  // namespace vortex::policy
