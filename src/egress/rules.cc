// SPDX-License-Identifier: Apache-2.0
#include "egress/rules.h"

#include <utility>

#include "base/status.h"
#include "egress/host_name.h"

namespace vortex::egress {

absl::StatusOr<RuleSet> RuleSet::Create(const std::vector<ConfigRule>& rules) {
  RuleSet out;
  for (const ConfigRule& from : rules) {
    Rule rule;
    std::string_view name = from.host;
    rule.suffix = name.starts_with("*.");
    if (rule.suffix) name.remove_prefix(2);
    const auto host = NormalizeHost(name);
    // A star over a whole top-level domain is an allowlist of strangers.
    if (!host || (rule.suffix && host->find('.') == std::string::npos)) {
      return InvalidArgument(
          "rules.host: \"{}\" is not a host name; write api.example.com or *.example.com",
          from.host);
    }
    rule.host = rule.suffix ? "." + *host : *host;
    if (from.port < 1 || from.port > 65535) {
      return InvalidArgument("rules.port: {} is not from 1 to 65535", from.port);
    }
    rule.port = from.port;
    for (const std::string& text : from.address_ranges) {
      const auto range = AddressRange::Parse(text);
      if (!range) {
        return InvalidArgument(
            "rules.address_ranges: \"{}\" is not a range such as 10.1.0.0/16 or fd00::/8", text);
      }
      rule.ranges.push_back(*range);
    }
    out.rules_.push_back(std::move(rule));
  }
  return out;
}

RuleSet::Match RuleSet::Find(std::string_view host, std::uint16_t port) const {
  Match out;
  for (const Rule& rule : rules_) {
    const bool same = rule.suffix ? host.size() > rule.host.size() && host.ends_with(rule.host)
                                  : host == rule.host;
    if (!same) continue;
    out.host = true;
    if (rule.port != port) continue;
    out.port = true;
    out.ranges.insert(out.ranges.end(), rule.ranges.begin(), rule.ranges.end());
  }
  return out;
}

}  // namespace vortex::egress
