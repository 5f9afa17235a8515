// SPDX-License-Identifier: Apache-2.0
#include "policy/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "base/status.h"
#include "policy/text.h"

namespace vortex::policy {
namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 50;
constexpr std::int64_t kMaxMillis = 24LL * 3'600'000;
constexpr std::int64_t kMaxMillicpus = std::int64_t{1024} * 1000;
constexpr std::size_t kMaxDecimals = 9;  // times any factor still fits 64 bits

struct Unit {
  std::string_view suffix;
  std::int64_t factor;
};

constexpr std::array<Unit, 11> kByteUnits = {{{"", 1},
                                              {"b", 1},
                                              {"k", 1 << 10},
                                              {"m", 1 << 20},
                                              {"g", 1 << 30},
                                              {"K", 1 << 10},
                                              {"M", 1 << 20},
                                              {"G", 1 << 30},
                                              {"KiB", 1 << 10},
                                              {"MiB", 1 << 20},
                                              {"GiB", 1 << 30}}};
constexpr std::array<Unit, 4> kTimeUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};

// A number as it is written: "1.5" has whole 1, fraction 5 and scale 10.
struct Decimal {
  std::int64_t whole = 0;
  std::int64_t fraction = 0;
  std::int64_t scale = 1;
};

enum class Fault { kNotANumber, kTooLarge };

// One digit at least and no leading zeros, which other readers of YAML take for octal.
std::optional<Fault> ReadWhole(std::string_view digits, std::int64_t& out) {
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return Fault::kNotANumber;
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return Fault::kNotANumber;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (error != std::errc()) return Fault::kTooLarge;
  return std::nullopt;
}

std::optional<Fault> ReadDecimal(std::string_view text, Decimal& out) {
  const std::size_t dot = text.find('.');
  if (const auto fault = ReadWhole(text.substr(0, dot), out.whole)) return fault;
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view fraction = text.substr(dot + 1);
  if (fraction.empty() || fraction.size() > kMaxDecimals) return Fault::kNotANumber;
  for (const char c : fraction) {
    if (c < '0' || c > '9') return Fault::kNotANumber;
    out.fraction = out.fraction * 10 + (c - '0');
    out.scale *= 10;
  }
  return std::nullopt;
}

// `text` times `factor`, at most `max`; a fraction must come out whole.
std::optional<Fault> Scale(std::string_view text, std::int64_t factor, std::int64_t max,
                           std::int64_t& out) {
  Decimal number;
  if (const auto fault = ReadDecimal(text, number)) return fault;
  if (number.fraction * factor % number.scale != 0) return Fault::kNotANumber;
  const std::int64_t rest = number.fraction * factor / number.scale;
  if (number.whole > (max - rest) / factor) return Fault::kTooLarge;
  out = number.whole * factor + rest;
  return std::nullopt;
}

absl::Status TooLarge(std::string_view text, std::string_view most) {
  return InvalidArgument("{} is too large; the most that can be written is {}", Quoted(text), most);
}

// The number in front of a unit; where the unit starts.
std::size_t UnitStart(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789."), text.size());
}

}  // namespace

absl::StatusOr<std::int64_t> ParseBytes(std::string_view text) {
  const std::size_t at = UnitStart(text);
  for (const Unit& unit : kByteUnits) {
    if (unit.suffix != text.substr(at) || text.find('.') != std::string_view::npos) continue;
    std::int64_t bytes = 0;
    const auto fault = Scale(text.substr(0, at), unit.factor, kMaxBytes, bytes);
    if (!fault) return bytes;
    if (*fault == Fault::kTooLarge) return TooLarge(text, FormatBytes(kMaxBytes));
  }
  return InvalidArgument(
      "{} is not a size; write a whole number with b, k, m or g, for example 64m", Quoted(text));
}

absl::StatusOr<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const std::size_t at = UnitStart(text);
  for (const Unit& unit : kTimeUnits) {
    if (unit.suffix != text.substr(at)) continue;
    std::int64_t millis = 0;
    const auto fault = Scale(text.substr(0, at), unit.factor, kMaxMillis, millis);
    if (!fault) return std::chrono::milliseconds(millis);
    if (*fault == Fault::kTooLarge) {
      return TooLarge(text, FormatDuration(std::chrono::milliseconds(kMaxMillis)));
    }
  }
  return InvalidArgument("{} is not a duration; write a number with ms, s, m or h, for example 2s",
                         Quoted(text));
}

absl::StatusOr<std::int64_t> ParseCpus(std::string_view text) {
  std::int64_t millicpus = 0;
  const auto fault = Scale(text, 1000, kMaxMillicpus, millicpus);
  if (!fault) return millicpus;
  if (*fault == Fault::kTooLarge) return TooLarge(text, FormatCpus(kMaxMillicpus));
  return InvalidArgument(
      "{} is not a number of cpus; write for example 0.5, with at most three decimals",
      Quoted(text));
}

absl::StatusOr<std::int64_t> ParseCount(std::string_view text) {
  std::int64_t count = 0;
  const auto fault = ReadWhole(text, count);
  if (!fault) return count;
  if (*fault == Fault::kTooLarge) {
    return TooLarge(text, std::to_string(std::numeric_limits<std::int64_t>::max()));
  }
  return InvalidArgument("{} is not a whole number; write for example 16", Quoted(text));
}

std::string FormatBytes(std::int64_t bytes) {
  for (const Unit& unit : {kByteUnits[4], kByteUnits[3], kByteUnits[2]}) {
    if (bytes != 0 && bytes % unit.factor == 0)
      return fmt::format("{}{}", bytes / unit.factor, unit.suffix);
  }
  return fmt::format("{}", bytes);
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  const std::int64_t millis = duration.count();
  for (const Unit& unit : {kTimeUnits[3], kTimeUnits[2], kTimeUnits[1]}) {
    if (millis != 0 && millis % unit.factor == 0)
      return fmt::format("{}{}", millis / unit.factor, unit.suffix);
  }
  return fmt::format("{}ms", millis);
}

std::string FormatCpus(std::int64_t millicpus) {
  std::string out = fmt::format("{}.{:03}", millicpus / 1000, millicpus % 1000);
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  return out;
}

}  // namespace vortex::policy
