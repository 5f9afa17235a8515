// SPDX-License-Identifier: Apache-2.0
#include "sandbox/payload.h"

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "sandbox/runner.h"

namespace vortex::sandbox {
namespace {

// Builds nothing: keeps only where the parser stopped and why.
struct ErrorFinder : nlohmann::json_sax<nlohmann::json> {
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) override {
    position = at;
    return false;
  }
  std::size_t position = 0;
};

}  // namespace

absl::Status CheckPayload(std::string_view payload) {
  if (payload.size() > kMaxPayloadBytes) {
    return InvalidArgument("payload: {} bytes is more than the limit of {}", payload.size(),
                           kMaxPayloadBytes);
  }
  ErrorFinder finder;
  if (nlohmann::json::sax_parse(payload, &finder)) return absl::OkStatus();
  return InvalidArgument(
      "payload: not a JSON text at byte {}; write one value, for example {{\"text\":\"a b a\"}}",
      finder.position);
}

absl::Status CheckTraceparent(std::string_view traceparent) {
  if (traceparent.empty()) return absl::OkStatus();
  // 00-<32>-<16>-<2>
  constexpr std::size_t kTrace = 3, kParent = 36, kFlags = 53, kSize = 55;
  bool good = traceparent.size() == kSize && traceparent.starts_with("00-");
  for (std::size_t i = 0; good && i < kSize; ++i) {
    const char c = traceparent[i];
    const bool dash = i == kTrace - 1 || i == kParent - 1 || i == kFlags - 1;
    good = dash ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  }
  good = good && traceparent.substr(kTrace, 32).find_first_not_of('0') != std::string_view::npos &&
         traceparent.substr(kParent, 16).find_first_not_of('0') != std::string_view::npos;
  if (good) return absl::OkStatus();
  return InvalidArgument(
      "traceparent: {} bytes that are not \"00-<32 hex digits>-<16 hex digits>-<2 hex digits>\"",
      traceparent.size());
}

}  // namespace vortex::sandbox
