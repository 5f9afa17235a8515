// SPDX-License-Identifier: Apache-2.0
#include "egress/config.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/status.h"
#include "egress/address.h"
#include "egress/rules.h"

namespace vortex::egress {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr int kVersion = 1;

absl::Status CheckKeys(const Json& object, const std::string& where,
                       const std::set<std::string>& known) {
  if (!object.is_object()) return InvalidArgument("{}: not an object", where);
  for (const auto& [key, value] : object.items()) {
    if (!known.contains(key)) return InvalidArgument("{}.{}: unknown field", where, key);
  }
  for (const std::string& key : known) {
    if (!object.contains(key)) return InvalidArgument("{}.{}: is missing", where, key);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> Number(const Json& object, const std::string& key, std::int64_t low,
                                    std::int64_t high) {
  const Json& value = object.at(key);
  if (value.is_number_integer()) {
    const bool too_large =
        value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{1} << 62;
    const std::int64_t number = too_large ? high + 1 : value.get<std::int64_t>();
    if (number >= low && number <= high) return number;
  }
  return InvalidArgument("{}: {} is not a number from {} to {}", key, value.dump(), low, high);
}

absl::StatusOr<std::vector<std::string>> Strings(const Json& list, const std::string& where) {
  if (!list.is_array()) return InvalidArgument("{}: not a list", where);
  std::vector<std::string> out;
  for (const Json& item : list) {
    if (!item.is_string()) return InvalidArgument("{}: {} is not text", where, item.dump());
    out.push_back(item.get<std::string>());
  }
  return out;
}

absl::StatusOr<ConfigRule> ReadRule(const Json& json) {
  VX_RETURN_IF_ERROR(CheckKeys(json, "rules", {"host", "port", "address_ranges"}));
  ConfigRule rule;
  if (!json["host"].is_string()) return InvalidArgument("rules.host: not text");
  rule.host = json["host"].get<std::string>();
  VX_ASSIGN_OR_RETURN(const std::int64_t port, Number(json, "port", 1, 65535));
  rule.port = static_cast<int>(port);
  VX_ASSIGN_OR_RETURN(rule.address_ranges, Strings(json["address_ranges"], "rules.address_ranges"));
  return rule;
}

absl::StatusOr<ProxyLimits> ReadLimits(const Json& json) {
  VX_RETURN_IF_ERROR(CheckKeys(json, "limits",
                               {"connections", "header_bytes", "header_timeout_ms",
                                "connect_timeout_ms", "resolve_timeout_ms", "idle_timeout_ms"}));
  ProxyLimits out;
  VX_ASSIGN_OR_RETURN(const std::int64_t connections, Number(json, "connections", 1, 4096));
  out.connections = static_cast<int>(connections);
  VX_ASSIGN_OR_RETURN(out.header_bytes, Number(json, "header_bytes", 1024, 1 << 20));
  const auto read = [&](const char* key, milliseconds& value) -> absl::Status {
    VX_ASSIGN_OR_RETURN(const std::int64_t number, Number(json, key, 1, 24 * 3600 * 1000));
    value = milliseconds(number);
    return absl::OkStatus();
  };
  VX_RETURN_IF_ERROR(read("header_timeout_ms", out.header_timeout));
  VX_RETURN_IF_ERROR(read("connect_timeout_ms", out.connect_timeout));
  VX_RETURN_IF_ERROR(read("resolve_timeout_ms", out.resolve_timeout));
  VX_RETURN_IF_ERROR(read("idle_timeout_ms", out.idle_timeout));
  return out;
}

absl::StatusOr<Config> Read(const Json& json) {
  VX_RETURN_IF_ERROR(CheckKeys(
      json, "config",
      {"version", "uid", "gid", "rules", "denied_hosts", "hosts", "dns_servers", "limits"}));
  VX_RETURN_IF_ERROR(Number(json, "version", kVersion, kVersion).status());
  Config out;
  VX_ASSIGN_OR_RETURN(const std::int64_t uid, Number(json, "uid", 0, 0xfffffffe));
  VX_ASSIGN_OR_RETURN(const std::int64_t gid, Number(json, "gid", 0, 0xfffffffe));
  out.uid = static_cast<std::uint32_t>(uid);
  out.gid = static_cast<std::uint32_t>(gid);
  if (!json["rules"].is_array()) return InvalidArgument("rules: not a list");
  for (const Json& item : json["rules"]) {
    VX_ASSIGN_OR_RETURN(ConfigRule rule, ReadRule(item));
    out.rules.push_back(std::move(rule));
  }
  VX_ASSIGN_OR_RETURN(out.denied_hosts, Strings(json["denied_hosts"], "denied_hosts"));
  // Also checks every name and range.
  VX_RETURN_IF_ERROR(RuleSet::Create(out.rules, out.denied_hosts).status());
  if (!json["hosts"].is_object()) return InvalidArgument("hosts: not an object");
  for (const auto& [name, list] : json["hosts"].items()) {
    VX_ASSIGN_OR_RETURN(std::vector<std::string> addresses, Strings(list, "hosts"));
    for (const std::string& text : addresses) {
      if (!Address::Parse(text)) return InvalidArgument("hosts: \"{}\" is not an address", text);
    }
    out.hosts[name] = std::move(addresses);
  }
  VX_ASSIGN_OR_RETURN(out.dns_servers, Strings(json["dns_servers"], "dns_servers"));
  VX_ASSIGN_OR_RETURN(out.limits, ReadLimits(json["limits"]));
  return out;
}

}  // namespace

std::string ToJson(const Config& config) {
  Json rules = Json::array();
  for (const ConfigRule& rule : config.rules) {
    rules.push_back(
        {{"host", rule.host}, {"port", rule.port}, {"address_ranges", rule.address_ranges}});
  }
  const ProxyLimits& limits = config.limits;
  return Json({{"version", kVersion},
               {"uid", config.uid},
               {"gid", config.gid},
               {"rules", std::move(rules)},
               {"denied_hosts", config.denied_hosts},
               {"hosts", Json(config.hosts.empty() ? Json::object() : Json(config.hosts))},
               {"dns_servers", config.dns_servers},
               {"limits",
                {{"connections", limits.connections},
                 {"header_bytes", limits.header_bytes},
                 {"header_timeout_ms", limits.header_timeout.count()},
                 {"connect_timeout_ms", limits.connect_timeout.count()},
                 {"resolve_timeout_ms", limits.resolve_timeout.count()},
                 {"idle_timeout_ms", limits.idle_timeout.count()}}}})
      .dump();
}

absl::StatusOr<Config> ParseConfig(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return InvalidArgument("config: not JSON");
  absl::StatusOr<Config> out = Read(json);
  if (!out.ok()) return Annotate(out.status(), "egress config");
  return out;
}

}  // namespace vortex::egress
