// SPDX-License-Identifier: Apache-2.0
#include "egress/rules.h"

#include <utility>

#include "base/status.h"
#include "egress/host_name.h"

namespace vortex::egress {

absl::StatusOr<RuleSet::Pattern> RuleSet::Pattern::Parse(std::string_view text) {
  Pattern out;
  std::string_view name = text;
  out.suffix = name.starts_with("*.");
  if (out.suffix) name.remove_prefix(2);
  const auto host = NormalizeHost(name);
  if (!host) {
    return InvalidArgument("\"{}\" is not a host name; write api.example.com or *.example.com",
                           text);
  }
  out.host = out.suffix ? "." + *host : *host;
  return out;
}

bool RuleSet::Pattern::Covers(std::string_view name) const {
  return suffix ? name.size() > host.size() && name.ends_with(host) : name == host;
}

absl::StatusOr<RuleSet> RuleSet::Create(const std::vector<ConfigRule>& rules,
                                        const std::vector<std::string>& denied) {
  RuleSet out;
  for (const ConfigRule& from : rules) {
    Rule rule;
    VX_ASSIGN_OR_RETURN(rule.pattern, Pattern::Parse(from.host));
    // A star over a whole top-level domain is a list of strangers.
    if (rule.pattern.suffix && rule.pattern.host.rfind('.') == 0) {
      return InvalidArgument("rules.host: \"{}\" is every name of a top-level domain", from.host);
    }
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
  for (const std::string& text : denied) {
    // "*" is every name.
    Pattern pattern{"", true};
    if (text != "*") {
      VX_ASSIGN_OR_RETURN(pattern, Pattern::Parse(text));
    }
    out.denied_.push_back(std::move(pattern));
  }
  return out;
}

RuleSet::Match RuleSet::Find(std::string_view host, std::uint16_t port) const {
  Match out;
  for (const Pattern& pattern : denied_) out.denied = out.denied || pattern.Covers(host);
  for (const Rule& rule : rules_) {
    if (!rule.pattern.Covers(host)) continue;
    out.host = true;
    if (rule.port != port) continue;
    out.port = true;
    out.ranges.insert(out.ranges.end(), rule.ranges.begin(), rule.ranges.end());
  }
  return out;
}

}  // namespace vortex::egress
