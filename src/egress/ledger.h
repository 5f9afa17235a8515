// SPDX-License-Identifier: Apache-2.0
// What happened on the link, counted within bounds: a plugin that makes up names must neither use
// up the proxy's memory nor push a record out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "egress/report.h"

namespace vortex::egress {

class Ledger {
 public:
  // Different denials, and different hosts, that are told apart; what comes after these is counted
  // under the target "(others)".
  static constexpr std::size_t kMaxDistinct = 128;

  // `on_new` gets each denial that was not there before; `now_unix_ns` is the clock.
  Ledger(std::function<void(const DenialRecord&)> on_new,
         std::function<std::int64_t()> now_unix_ns);

  void Deny(std::string action, std::string target, std::string rule, std::string allowed_by);

  // The counters of an allowed host; the reference stays good.
  HostRecord& Host(const std::string& host, int port);

  void CountConnection() { ++connections_; }

  ProxyReport Report() const;

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // rule, target, action

  std::function<void(const DenialRecord&)> on_new_;
  std::function<std::int64_t()> now_;
  std::uint64_t connections_ = 0;
  std::map<Key, DenialRecord> denials_;
  std::map<std::pair<std::string, int>, HostRecord> hosts_;
};

}  // namespace vortex::egress
