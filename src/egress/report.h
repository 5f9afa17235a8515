// SPDX-License-Identifier: Apache-2.0
// What the proxy tells the runner, one JSON text a message on the control socket: "ready" or
// "failed" once; each kind of denial when it first happens; at the end all denials and hosts with
// their counts, and "end". If the proxy is killed the end is missing, and what came before stands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace vortex::egress {

struct DenialRecord {
  std::string action;  // "connect", "request", "resolve", "tls"
  std::string target;  // "host:port"; "(others)" when there were too many different ones
  std::string rule;    // "egress.host"
  std::string allowed_by;
  std::uint64_t count = 0;
  std::int64_t first_unix_ns = 0;
  std::int64_t last_unix_ns = 0;
};

struct HostRecord {
  std::string host;
  int port = 0;
  std::uint64_t connections = 0;  // that were made to it
  std::uint64_t failures = 0;     // allowed, but not resolved, reached or understood
  std::uint64_t bytes_out = 0;    // plugin to host
  std::uint64_t bytes_in = 0;
};

struct ProxyReport {
  bool ready = false;
  std::string failure;            // why it did not get ready
  bool complete = false;          // the end was seen
  std::uint64_t connections = 0;  // that the plugin made to the proxy
  std::vector<DenialRecord> denials;
  std::vector<HostRecord> hosts;
};

// Longest message, in bytes: texts in records are bounded (Ledger).
inline constexpr std::size_t kMaxMessage = 8 * 1024;

std::string ReadyMessage();
std::string FailedMessage(std::string_view why);
std::string DenialMessage(const DenialRecord& denial);
std::string HostMessage(const HostRecord& host);
std::string EndMessage(std::uint64_t connections);

// Takes one message into `report`; a denial that is there already is replaced. InvalidArgument for
// what no proxy of ours writes.
absl::Status TakeMessage(std::string_view message, ProxyReport& report);

}  // namespace vortex::egress
