// SPDX-License-Identifier: Apache-2.0
#include "policy/units.h"

#include <array>
#include <charconv>
#include <optional>

#include "base/status.h"

namespace vortex::policy {
namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 62;
constexpr std::int64_t kMaxMillis = std::int64_t{1} << 40;

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
constexpr std::array<Unit, 4> kTimeUnits = {{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};

std::optional<std::int64_t> Whole(std::string_view digits) {
  std::int64_t value = 0;
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// "1.5" with `factor` 1000 → 1500; nothing when it is not a decimal number or not a whole multiple.
std::optional<std::int64_t> Scaled(std::string_view number, std::int64_t factor, std::int64_t max) {
  const std::size_t dot = number.find('.');
  const auto whole = Whole(number.substr(0, dot));
  if (!whole || *whole > max / factor) return std::nullopt;
  std::int64_t value = *whole * factor;
  if (dot == std::string_view::npos) return value;
  const std::string_view fraction = number.substr(dot + 1);
  const auto digits = Whole(fraction);
  if (!digits || fraction.size() > 9) return std::nullopt;
  std::int64_t scale = 1;
  for (std::size_t i = 0; i < fraction.size(); ++i) scale *= 10;
  if (*digits > kMaxMillis || *digits * factor % scale != 0) return std::nullopt;
  return value + *digits * factor / scale;
}

std::size_t SuffixStart(std::string_view text) {
  const std::size_t at = text.find_first_not_of("0123456789.");
  return at == std::string_view::npos ? text.size() : at;
}

}  // namespace

absl::StatusOr<std::int64_t> ParseBytes(std::string_view text) {
  const std::size_t at = SuffixStart(text);
  for (const Unit& unit : kByteUnits) {
    if (unit.suffix != text.substr(at)) continue;
    const auto number = Whole(text.substr(0, at));
    if (number && *number <= kMaxBytes / unit.factor) return *number * unit.factor;
  }
  return InvalidArgument("\"{}\" is not a size; write a whole number with b, k, m or g, for example 64m", text);
}

absl::StatusOr<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const std::size_t at = SuffixStart(text);
  for (const Unit& unit : kTimeUnits) {
    if (unit.suffix != text.substr(at)) continue;
    const auto value = Scaled(text.substr(0, at), unit.factor, kMaxMillis);
    if (value) return std::chrono::milliseconds(*value);
  }
  return InvalidArgument("\"{}\" is not a duration; write a number with ms, s, m or h, for example 2s", text);
}

absl::StatusOr<std::int64_t> ParseCpus(std::string_view text) {
  const auto value = Scaled(text, 1000, std::int64_t{1} << 30);
  if (value) return *value;
  return InvalidArgument("\"{}\" is not a number of cpus; write for example 0.5, with at most three decimals", text);
}

absl::StatusOr<std::int64_t> ParseCount(std::string_view text) {
  const auto value = Whole(text);
  if (value) return *value;
  return InvalidArgument("\"{}\" is not a whole number", text);
}

std::string FormatBytes(std::int64_t bytes) {
  for (const Unit& unit : {kByteUnits[4], kByteUnits[3], kByteUnits[2]}) {
    if (bytes != 0 && bytes % unit.factor == 0) return fmt::format("{}{}", bytes / unit.factor, unit.suffix);
  }
  return fmt::format("{}", bytes);
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  const std::int64_t millis = duration.count();
  for (const Unit& unit : {kTimeUnits[3], kTimeUnits[2], kTimeUnits[1]}) {
    if (millis != 0 && millis % unit.factor == 0) return fmt::format("{}{}", millis / unit.factor, unit.suffix);
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
