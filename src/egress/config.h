// SPDX-License-Identifier: Apache-2.0
// What the runner tells the proxy, once, over the control socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace vortex::egress {

// The control socket and the listening socket of a proxy process, as descriptors.
inline constexpr int kControlFd = 3;
inline constexpr int kListenFd = 4;

// Where the listening socket is in the sandbox's network namespace.
inline constexpr char kProxyAddress[] = "127.0.0.1";
inline constexpr std::uint16_t kProxyPort = 3128;

struct ConfigRule {
  std::string host;  // "api.example.com" or "*.example.com"
  int port = 0;
  // Special-purpose addresses that this host may resolve to ("10.1.0.0/16"); of a metadata service
  // only the exact address counts.
  std::vector<std::string> address_ranges;
};

struct ProxyLimits {
  int connections = 64;                               // at once; 1-4096
  std::int64_t header_bytes = 32 << 10;               // of a request or response; 1024-1048576
  std::chrono::milliseconds header_timeout{10'000};   // for a whole request head or ClientHello
  std::chrono::milliseconds connect_timeout{10'000};  // all addresses of a name together
  std::chrono::milliseconds resolve_timeout{5'000};
  std::chrono::milliseconds idle_timeout{60'000};  // no byte in either direction
};

struct Config {
  // Who the proxy becomes; 0: stays who it is (tests without root).
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<ConfigRule> rules;
  // Names and "*.suffix" that no rule opens.
  std::vector<std::string> denied_hosts;
  // Answers that come before DNS, as /etc/hosts; names in lower case.
  std::map<std::string, std::vector<std::string>> hosts;
  // "127.0.0.1:53"; empty: those of /etc/resolv.conf.
  std::vector<std::string> dns_servers;
  ProxyLimits limits;
};

std::string ToJson(const Config& config);

// Strict: unknown fields, wrong types, rules that are no rules and values out of range are
// InvalidArgument with the field's name.
absl::StatusOr<Config> ParseConfig(std::string_view json);

}  // namespace vortex::egress
