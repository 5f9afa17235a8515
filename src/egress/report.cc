// SPDX-License-Identifier: Apache-2.0
#include "egress/report.h"

#include <nlohmann/json.hpp>

#include "base/status.h"

namespace vortex::egress {
namespace {

using Json = nlohmann::ordered_json;

// Parts of these come from the plugin.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

DenialRecord ReadDenial(const Json& json) {
  DenialRecord out;
  json.at("action").get_to(out.action);
  json.at("target").get_to(out.target);
  json.at("rule").get_to(out.rule);
  json.at("allowed_by").get_to(out.allowed_by);
  json.at("count").get_to(out.count);
  json.at("first_unix_ns").get_to(out.first_unix_ns);
  json.at("last_unix_ns").get_to(out.last_unix_ns);
  return out;
}

HostRecord ReadHost(const Json& json) {
  HostRecord out;
  json.at("host").get_to(out.host);
  json.at("port").get_to(out.port);
  json.at("connections").get_to(out.connections);
  json.at("failures").get_to(out.failures);
  json.at("bytes_out").get_to(out.bytes_out);
  json.at("bytes_in").get_to(out.bytes_in);
  return out;
}

void Merge(DenialRecord denial, std::vector<DenialRecord>& into) {
  for (DenialRecord& known : into) {
    if (known.action == denial.action && known.target == denial.target &&
        known.rule == denial.rule) {
      known = std::move(denial);
      return;
    }
  }
  into.push_back(std::move(denial));
}

void Take(const Json& json, ProxyReport& report) {
  const std::string event = json.at("event").get<std::string>();
  if (event == "ready") {
    report.ready = true;
  } else if (event == "failed") {
    report.failure = json.at("why").get<std::string>();
  } else if (event == "denial") {
    Merge(ReadDenial(json.at("denial")), report.denials);
  } else if (event == "host") {
    report.hosts.push_back(ReadHost(json.at("host")));
  } else if (event == "end") {
    report.complete = true;
    report.connections = json.at("connections").get<std::uint64_t>();
  } else {
    throw Json::other_error::create(599, "event \"" + event + "\" is not known", nullptr);
  }
}

}  // namespace

std::string ReadyMessage() { return Dump({{"event", "ready"}}); }

std::string FailedMessage(std::string_view why) {
  return Dump({{"event", "failed"}, {"why", std::string(why.substr(0, 1024))}});
}

std::string DenialMessage(const DenialRecord& denial) {
  return Dump({{"event", "denial"},
               {"denial",
                {{"action", denial.action},
                 {"target", denial.target},
                 {"rule", denial.rule},
                 {"allowed_by", denial.allowed_by},
                 {"count", denial.count},
                 {"first_unix_ns", denial.first_unix_ns},
                 {"last_unix_ns", denial.last_unix_ns}}}});
}

std::string HostMessage(const HostRecord& host) {
  return Dump({{"event", "host"},
               {"host",
                {{"host", host.host},
                 {"port", host.port},
                 {"connections", host.connections},
                 {"failures", host.failures},
                 {"bytes_out", host.bytes_out},
                 {"bytes_in", host.bytes_in}}}});
}

std::string EndMessage(std::uint64_t connections) {
  return Dump({{"event", "end"}, {"connections", connections}});
}

absl::Status TakeMessage(std::string_view message, ProxyReport& report) {
  try {
    Take(Json::parse(message), report);
  } catch (const Json::exception& error) {
    return InvalidArgument("egress report: {}", error.what());
  }
  return absl::OkStatus();
}

}  // namespace vortex::egress
