// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "egress/address.h"
#include "egress/beast.h"
#include "egress/config.h"

struct ares_channeldata;

namespace vortex::egress {

// Names to addresses: the host's /etc/hosts and the config's own map first, then DNS, the name as
// it is (no search domains). Everything that has to be read from files is read by Create.
class Resolver {
 public:
  static absl::StatusOr<std::unique_ptr<Resolver>> Create(asio::io_context& loop,
                                                          const Config& config);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // One question; all addresses of the answer, IPv6 and IPv4, in the order to try them. The error's
  // message is for the plugin: "no such name", "no answer in 5000 ms", …
  asio::awaitable<absl::StatusOr<std::vector<Address>>> Resolve(std::string host);

 private:
  class Watched;

  Resolver(asio::io_context& loop, const Config& config);
  void OnSocketState(int fd, bool readable, bool writable);
  void ArmTimer();

  asio::io_context& loop_;
  std::chrono::milliseconds timeout_;
  std::map<std::string, std::vector<Address>> hosts_;
  ares_channeldata* channel_ = nullptr;
  std::map<int, std::shared_ptr<Watched>> watched_;
  asio::steady_timer timer_;
};

// Names of a hosts file, lower case; malformed lines are skipped. `hosts(5)`.
std::map<std::string, std::vector<Address>> ParseHostsFile(const std::string& text);

}  // namespace vortex::egress
