// SPDX-License-Identifier: Apache-2.0
#include "egress/host_name.h"

#include <algorithm>
#include <cctype>

namespace vortex::egress {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'f'); }
bool IsLetterOrDigit(char c) { return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'z'); }

bool IsLabel(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return IsLetterOrDigit(c) || c == '-'; });
}

// A number as inet_aton(3) reads it.
bool IsNumber(std::string_view label) {
  if (label.size() >= 2 && label[0] == '0' && Lower(label[1]) == 'x') {
    return std::all_of(label.begin() + 2, label.end(), IsHexDigit);
  }
  return !label.empty() && std::all_of(label.begin(), label.end(), IsDigit);
}

std::string_view LastLabel(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const std::size_t dot = text.rfind('.');
  return dot == std::string_view::npos ? text : text.substr(dot + 1);
}

}  // namespace

std::optional<std::string> NormalizeHost(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kMaxName) return std::nullopt;
  std::string_view rest = text;
  while (true) {
    const std::size_t dot = rest.find('.');
    if (!IsLabel(rest.substr(0, dot))) return std::nullopt;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (IsNumber(rest)) return std::nullopt;
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), Lower);
  return out;
}

bool LooksLikeAddress(std::string_view text) {
  if (text.find_first_of(":[]%") != std::string_view::npos) return true;
  return IsNumber(LastLabel(text));
}

std::optional<Authority> ParseAuthority(std::string_view text) {
  Authority out;
  std::size_t colon = text.rfind(':');
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    if (close + 1 == text.size()) {
      colon = std::string_view::npos;
    } else if (text[close + 1] == ':') {
      colon = close + 1;
    } else {
      return std::nullopt;
    }
  }
  out.host = std::string(text.substr(0, colon));
  if (out.host.empty() || out.host.find_first_of("@/?#\\ \t") != std::string::npos) {
    return std::nullopt;
  }
  // Only brackets may hold colons; "a:b:80" is nobody's host.
  if (!out.host.starts_with('[') && out.host.find(':') != std::string::npos) return std::nullopt;
  if (colon == std::string_view::npos) return out;
  const std::string_view digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > 5 || !std::all_of(digits.begin(), digits.end(), IsDigit)) {
    return std::nullopt;
  }
  const int port = std::stoi(std::string(digits));
  if (port < 1 || port > 65535) return std::nullopt;
  out.port = static_cast<std::uint16_t>(port);
  return out;
}

}  // namespace vortex::egress
