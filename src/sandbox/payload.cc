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

}  // namespace vortex::sandbox
