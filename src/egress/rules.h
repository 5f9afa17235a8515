// SPDX-License-Identifier: Apache-2.0
// The allowlist of one run. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "egress/address.h"
#include "egress/config.h"

namespace vortex::egress {

class RuleSet {
 public:
  struct Match {
    bool host = false;  // some rule names the host
    bool port = false;  // and this port
    // Of all rules that name both.
    std::vector<AddressRange> ranges;
  };

  // InvalidArgument names the rule: hosts are names ("a.example", "*.example.com" with at least two
  // labels behind the star), never addresses.
  static absl::StatusOr<RuleSet> Create(const std::vector<ConfigRule>& rules);

  // `host` normalized. "*.example.com" is every name below example.com, not example.com itself.
  Match Find(std::string_view host, std::uint16_t port) const;

 private:
  struct Rule {
    std::string host;  // normalized; of a suffix rule with the dot in front
    bool suffix = false;
    int port = 0;
    std::vector<AddressRange> ranges;
  };
  std::vector<Rule> rules_;
};

}  // namespace vortex::egress
