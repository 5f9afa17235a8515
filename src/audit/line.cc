// SPDX-License-Identifier: Apache-2.0
#include "audit/line.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/sha256.h"

namespace vortex::audit {
namespace {

constexpr std::size_t kHashDigits = 64;

bool Skip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Up to the closing quote of a text that has no escapes.
std::optional<std::string> Plain(std::string_view& text) {
  const std::size_t end = text.find_first_of("\"\\");
  if (end == std::string_view::npos || text[end] != '"') return std::nullopt;
  std::string out(text.substr(0, end));
  text.remove_prefix(end + 1);
  return out;
}

}  // namespace

std::string Rfc3339(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t unix_seconds = seconds.time_since_epoch().count();
  std::tm utc{};
  ::gmtime_r(&unix_seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     (time - seconds).count());
}

std::string MakeLine(std::uint64_t seq, std::string_view prev, WallTime time, const Event& event) {
  return fmt::format(R"({{"schema_version":{},"seq":{},"prev":"{}","time":"{}","type":"{}"{}{}}})",
                     kSchemaVersion, seq, prev, Rfc3339(time), event.type,
                     event.fields.empty() ? "" : ",", event.fields);
}

std::optional<LineHead> ParseLineHead(std::string_view line) {
  LineHead out;
  if (!Skip(line, R"({"schema_version":1,"seq":)")) return std::nullopt;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), out.seq);
  if (error != std::errc() || out.seq == 0) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  for (const auto& [key, into] : {std::pair{R"(,"prev":")", &out.prev},
                                  {R"(,"time":")", &out.time},
                                  {R"(,"type":")", &out.type}}) {
    if (!Skip(line, key)) return std::nullopt;
    const auto text = Plain(line);
    if (!text) return std::nullopt;
    *into = *text;
  }
  if (out.prev.size() != kHashDigits) return std::nullopt;
  return out;
}

std::string HashOf(std::string_view line) {
  base::Sha256 sha;
  sha.Update(line);
  const auto bytes = sha.Finish();
  return base::HexLower(bytes.data(), bytes.size());
}

std::string Bounded(std::string_view text, std::size_t max_bytes) {
  std::string kept(text.substr(0, max_bytes));
  if (kept.size() == text.size()) return kept;
  while (!kept.empty() && (static_cast<unsigned char>(kept.back()) & 0xC0) == 0x80) kept.pop_back();
  if (!kept.empty() && static_cast<unsigned char>(kept.back()) >= 0xC0) kept.pop_back();
  return kept + "…";
}

std::string JsonText(std::string_view text, std::size_t max_bytes) {
  return nlohmann::json(Bounded(text, max_bytes))
      .dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
}

}  // namespace vortex::audit
