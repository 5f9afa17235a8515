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
    bool denied = false;  // by name; the rest does not matter
    bool host = false;    // some rule names the host
    bool port = false;    // and this port
    // Of all rules that name both.
    std::vector<AddressRange> ranges;
  };

  // InvalidArgument names the rule: hosts are names ("a.example", "*.example.com" with at least two
  // labels behind the star), never addresses.
  // A denied name or "*.suffix" is stronger than every rule.
  static absl::StatusOr<RuleSet> Create(const std::vector<ConfigRule>& rules,
                                        const std::vector<std::string>& denied = {});

  // `host` normalized. "*.example.com" is every name below example.com, not example.com itself.
  Match Find(std::string_view host, std::uint16_t port) const;

 private:
  struct Pattern {
    static absl::StatusOr<Pattern> Parse(std::string_view text);
    bool Covers(std::string_view name) const;

    std::string host;  // normalized; of a suffix with the dot in front
    bool suffix = false;
  };
  struct Rule {
    Pattern pattern;
    int port = 0;
    std::vector<AddressRange> ranges;
  };
  std::vector<Rule> rules_;
  std::vector<Pattern> denied_;
};

}  // namespace vortex::egress
