// SPDX-License-Identifier: Apache-2.0
#include "policy/fields.h"

#include <algorithm>
#include <regex>

#include "oci/capability_names.h"
#include "policy/limit_fields.h"
#include "policy/text.h"

namespace vortex::policy {
namespace {

// Bounded before std::regex, which recurses with the length of its input.
bool Matches(const std::string& text, const std::regex& pattern, std::size_t max_size) {
  return text.size() <= max_size && std::regex_match(text, pattern);
}

bool IsHostName(const std::string& host) {
  // A last label that begins with a letter: no spelling of an IPv4 address does.
  static const std::regex kLabels(
      "(\\*\\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]([a-z0-9-]*[a-z0-9])?");
  if (!Matches(host, kLabels, 253)) return false;
  for (std::size_t start = 0; start < host.size();) {
    const std::size_t end = std::min(host.find('.', start), host.size());
    if (end - start > 63) return false;  // RFC 1035, section 2.3.4
    start = end + 1;
  }
  return true;
}

template <typename T>
absl::Status ReadLimit(const LimitField<T>& limit, const YamlField& field, LimitRequest& out) {
  // Sizes and durations are text with a unit or a number, as their author likes.
  VX_ASSIGN_OR_RETURN(const std::string text, limit.number ? field.Number() : field.Scalar());
  const auto value = limit.parse(text);
  if (!value.ok()) return field.Bad("{}", Message(value.status()));
  out.*limit.asked = *value;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadId(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(std::string id, field.Text());
  static const std::regex kPattern("[a-z0-9]([a-z0-9-]*[a-z0-9])?");
  if (Matches(id, kPattern, 63)) return id;
  return field.Bad("{} is not an id; use 1 to 63 characters of a-z, 0-9 and -, not - at the ends",
                   Quoted(id));
}

absl::StatusOr<std::string> ReadHost(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(std::string host, field.Text());
  if (IsHostName(host)) return host;
  return field.Bad(
      "{} is not a host name in lower case; write for example api.example.com or *.example.com, no "
      "addresses",
      Quoted(host));
}

absl::StatusOr<int> ReadPort(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const std::string text, field.Number());
  const auto port = ParseCount(text);
  if (!port.ok() || *port < 1 || *port > 65535) {
    return field.Bad("{} is not a port; write a number from 1 to 65535", Quoted(text));
  }
  return static_cast<int>(*port);
}

absl::StatusOr<NetworkRule> ReadNetworkRule(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const auto members, field.Members({"host", "port"}));
  NetworkRule rule;
  for (const auto& [key, value] : members) {
    if (key == "host") {
      VX_ASSIGN_OR_RETURN(rule.host, ReadHost(value));
    } else {
      VX_ASSIGN_OR_RETURN(rule.port, ReadPort(value));
    }
  }
  if (!rule.host.empty() && rule.port != 0) return rule;
  return field.Bad("needs both host and port, for example {{host: api.example.com, port: 443}}");
}

absl::StatusOr<std::string> ReadCapability(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(std::string name, field.Text());
  if (oci::IsCapabilityName(name)) return name;
  return field.Bad("{} is not a Linux capability; write for example CAP_NET_BIND_SERVICE",
                   Quoted(name));
}

absl::StatusOr<std::string> ReadCdiName(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(std::string name, field.Text());
  static const std::regex kCdi(
      "[A-Za-z]([A-Za-z0-9_.-]*[A-Za-z0-9])?/[A-Za-z]([A-Za-z0-9_.-]*[A-Za-z0-9])?="
      "[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?");
  if (Matches(name, kCdi, 200)) return name;
  return field.Bad(
      "{} is not a CDI device; write vendor/class=device, for example nvidia.com/gpu=0",
      Quoted(name));
}

absl::StatusOr<LimitRequest> ReadLimits(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const auto members,
                      field.Members({"memory", "cpus", "pids", "budget", "tmp", "output"}));
  LimitRequest out;
  absl::Status read;
  for (const auto& member : members) {
    ForEachLimit([&](const auto& limit) {
      if (read.ok() && member.key == limit.name) read = ReadLimit(limit, member.value, out);
    });
  }
  if (!read.ok()) return read;
  return out;
}

absl::StatusOr<bool> ReadBool(const YamlField& field) {
  VX_ASSIGN_OR_RETURN(const std::string text, field.Number());
  if (text == "true" || text == "false") return text == "true";
  return field.Bad("{} is not true or false", Quoted(text));
}

bool Covers(std::string_view pattern, std::string_view asked) {
  if (pattern == "*" || pattern == asked) return true;
  if (!pattern.starts_with("*.")) return false;
  // ".example.com" must end the name, and leave something in front of it.
  const std::string_view suffix = pattern.substr(1);
  const std::string_view name = asked.starts_with("*") ? asked.substr(1) : asked;
  return name.size() > suffix.size() && name.ends_with(suffix);
}

}  // namespace vortex::policy
