// SPDX-License-Identifier: Apache-2.0
#include "egress/refusal.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace vortex::egress {
namespace {

const char* Reason(int status) {
  switch (status) {
    case 403:
      return "Forbidden";
    case 408:
      return "Request Timeout";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Bad Gateway";
  }
}

}  // namespace

std::string RefusalResponse(const Refused& refused) {
  const nlohmann::ordered_json json = {
      {"error", refused.status == 403 ? "egress_denied" : "egress_failed"},
      {"rule", refused.rule},
      {"host", refused.host.substr(0, 300)},
      {"port", refused.port},
      {"detail", refused.detail},
      {"allowed_by", refused.allowed_by}};
  const std::string body =
      json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
      "Connection: close\r\nCache-Control: no-store\r\nX-Vortex-Egress: {}\r\n\r\n{}",
      refused.status, Reason(refused.status), body.size(), refused.rule, body);
}

std::string RefusalAlert() {
  using namespace std::string_literals;
  return "\x15\x03\x03\x00\x02\x02\x31"s;
}

}  // namespace vortex::egress
