// SPDX-License-Identifier: Apache-2.0
#include "audit/ocsf.h"

#include <arpa/inet.h>

#include <nlohmann/json.hpp>

#include "audit/line.h"
#include "base/status.h"

namespace vortex::audit {
namespace {

using Json = nlohmann::ordered_json;

// type_uid is class and activity in one number (OCSF, base event).
struct Class {
  int category = 0;
  int class_uid = 0;
  int activity = 0;
};

constexpr int kOther = 99, kInvoke = 4;
constexpr int kInformational = 1, kMedium = 3, kHigh = 4;  // severity_id
constexpr int kSuccess = 1, kFailure = 2;                  // status_id
constexpr int kNew = 1;                                    // status_id of a finding
constexpr int kAllowed = 1, kDenied = 2;                   // action_id
constexpr int kDispositionAllowed = 1, kDispositionBlocked = 2;

std::string Text(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it != json.end() && it->is_string() ? it->get<std::string>() : "";
}

const Json& Object(const Json& json, const char* key) {
  static const Json empty = Json::object();
  const auto it = json.find(key);
  return it != json.end() && it->is_object() ? *it : empty;
}

// Unix time in milliseconds, as OCSF has it.
std::int64_t Milliseconds(const std::string& rfc3339) {
  std::tm utc{};
  int nanoseconds = 0;
  if (std::sscanf(rfc3339.c_str(), "%d-%d-%dT%d:%d:%d.%9dZ", &utc.tm_year, &utc.tm_mon,
                  &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &nanoseconds) != 7) {
    return 0;
  }
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  return static_cast<std::int64_t>(::timegm(&utc)) * 1000 + nanoseconds / 1'000'000;
}

// By what was refused.
Class DenialClass(const Json& event) {
  const std::string control = Text(event, "control");
  const std::string action = Text(event, "action");
  if (control == "network") {
    if (action == "resolve") return {4, 4003, 1};  // DNS activity: query
    return {4, 4001, 5};                           // network activity: refuse
  }
  if (control == "filesystem") return {1, 1001, action == "write" ? 3 : 14};  // update, open
  if (control == "process") return {1, 1007, 1};                              // launch
  if (control == "syscall" || control == "capability") return {1, 1003, kInvoke};
  return {2, 2004, 1};  // detection finding: create
}

// The plugin's process: our id for it is the run's, in the container of that name.
Json Process(const Json& event) {
  const std::string plugin = Text(Object(event, "plugin"), "id"), run = Text(event, "run_id");
  return {
      {"uid", run},
      {"name", plugin},
      {"container", {{"uid", run}, {"name", plugin}, {"runtime", Text(event, "runtime_class")}}}};
}

// "192.0.2.1:80", "[2001:db8::1]:80", "example.com:443".
Json Endpoint(std::string target) {
  Json out;
  const std::size_t colon = target.rfind(':');
  const int port = colon == std::string::npos ? 0 : std::atoi(target.c_str() + colon + 1);
  if (port > 0 && port < 65536) {
    out["port"] = port;
    target.resize(colon);
  }
  if (target.size() > 2 && target.front() == '[' && target.back() == ']')
    target = target.substr(1, target.size() - 2);
  in6_addr address{};
  const bool is_address = ::inet_pton(AF_INET, target.c_str(), &address) == 1 ||
                          ::inet_pton(AF_INET6, target.c_str(), &address) == 1;
  out[is_address ? "ip" : "hostname"] = target;
  return out;
}

void AddTarget(Json& out, const Json& event, const Class& kind) {
  const std::string target = Text(event, "target");
  switch (kind.class_uid) {
    case 1001:
      out["file"] = {
          {"name", target.substr(target.rfind('/') + 1)}, {"path", target}, {"type_id", 0}};
      break;
    case 1003:
      // Capabilities are no kernel resource that OCSF has a number for.
      if (Text(event, "control") == "syscall")
        out["kernel"] = {{"name", target}, {"type_id", 2}};
      else
        out["kernel"] = {{"name", target}, {"type_id", kOther}, {"type", "Capability"}};
      break;
    case 1007:
      out["process"] = Process(event);
      break;
    case 4001:
      out["dst_endpoint"] = Endpoint(target);
      break;
    case 4003:
      out["query"] = {{"hostname", target}};
      break;
    default:
      break;
  }
}

void AddFinding(Json& out, const Json& event, const std::string& title) {
  out["finding_info"] = {
      {"uid", Text(event, "run_id") + "-" + std::to_string(event.value("seq", 0))},
      {"title", title}};
}

void AddDenial(Json& out, const Json& event, const Class& kind) {
  out["severity_id"] = kMedium;
  out["status_id"] = kind.class_uid == 2004 ? kNew : kFailure;
  out["action_id"] = kDenied;
  out["disposition_id"] = kDispositionBlocked;
  out["actor"] = {{"process", Process(event)}};
  if (kind.category == 4)
    out["src_endpoint"] = {{"uid", Text(event, "run_id")}, {"hostname", Text(event, "node")}};
  out["count"] = event.value("count", 1);
  out["message"] = fmt::format("{} {} refused", Text(event, "control"), Text(event, "action"));
  out["firewall_rule"] = {{"uid", Text(event, "rule")}};
  if (!Text(event, "first").empty()) out["start_time"] = Milliseconds(Text(event, "first"));
  if (!Text(event, "last").empty()) out["end_time"] = Milliseconds(Text(event, "last"));
  AddTarget(out, event, kind);
  if (kind.class_uid == 2004) AddFinding(out, event, "device refused");
}

void AddDecision(Json& out, const Json& event) {
  const std::string decision = Text(event, "decision");
  const bool granted = decision == "granted";
  out["severity_id"] = granted ? kInformational : decision == "denied" ? kMedium : kInformational;
  out["status_id"] = granted ? kSuccess : kFailure;
  out["action_id"] = granted ? kAllowed : kDenied;
  out["disposition_id"] = granted ? kDispositionAllowed : kDispositionBlocked;
  if (!Text(event, "reason").empty()) out["status_detail"] = Text(event, "reason");
  out["message"] = "gate: " + decision;
  out["activity_name"] = "Decide";
  out["src_endpoint"] = {{"hostname", Text(event, "node")}};
  out["api"] = {{"operation", "run"}, {"service", {{"name", "vortex"}}}};
  out["actor"] = {{"user", {{"uid", std::to_string(Object(event, "actor").value("uid", 0))}}},
                  {"process", {{"pid", Object(event, "actor").value("pid", 0)}}}};
}

void AddEnd(Json& out, const Json& event) {
  const std::string cause = Text(event, "cause");
  out["severity_id"] = cause == "ok" ? kInformational : kMedium;
  out["status_id"] = cause == "ok" ? kSuccess : kFailure;
  out["status_code"] = cause;
  out["message"] = "run ended: " + cause;
  if (event.contains("exit_code") && event["exit_code"].is_number())
    out["exit_code"] = event["exit_code"];
  out["duration"] = event.value("total_usec", std::int64_t{0}) / 1000;
}

// The log's own lines: what it says of itself.
void AddOwn(Json& out, const Json& event, const std::string& type) {
  out["severity_id"] = type == "recovery" || type == "records_lost" ? kHigh : kInformational;
  out["status_id"] = kSuccess;
  out["message"] = "audit log: " + type;
  if (out["activity_id"] == kOther) out["activity_name"] = type;
  out["app"] = {{"name", "vortex audit log"}, {"vendor_name", "Vortex"}};
  if (!Text(event, "reason").empty()) out["status_detail"] = Text(event, "reason");
}

Class ClassOf(const Json& event, const std::string& type) {
  if (type == "decision") return {6, 6003, kOther};  // API activity
  if (type == "start") return {1, 1007, 1};          // process activity: launch
  if (type == "end") return {1, 1007, 2};            // terminate
  if (type == "denial") return DenialClass(event);
  // Application lifecycle: start, stop, other.
  return {6, 6002, type == "log_open" ? 3 : type == "segment_seal" ? 4 : kOther};
}

Json Metadata(const Json& event, std::string_view version) {
  Json out = {
      {"version", "1.3.0"},
      {"product",
       {{"name", "Vortex Sandbox"}, {"vendor_name", "Vortex"}, {"version", std::string(version)}}},
      {"profiles", {"container", "host", "security_control"}},
      {"sequence", event.value("seq", std::uint64_t{0})},
      {"uid", Text(event, "prev")}};
  if (!Text(event, "traceparent").empty())
    out["correlation_uid"] = Text(event, "traceparent").substr(3, 32);
  return out;
}

}  // namespace

absl::StatusOr<std::string> ToOcsf(std::string_view line, std::string_view version) {
  const auto head = ParseLineHead(line);
  const Json event = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!head || !event.is_object()) return InvalidArgument("not a line of an audit log");
  const Class kind = ClassOf(event, head->type);
  Json out = {{"category_uid", kind.category},
              {"class_uid", kind.class_uid},
              {"activity_id", kind.activity},
              {"type_uid", kind.class_uid * 100 + kind.activity},
              {"time", Milliseconds(head->time)},
              {"metadata", Metadata(event, version)},
              {"device", {{"hostname", Text(event, "node")}, {"type_id", 0}}}};
  // The log may have been edited; a number where a text should be must not end the export.
  try {
    if (head->type == "decision") {
      AddDecision(out, event);
    } else if (head->type == "denial") {
      AddDenial(out, event, kind);
    } else if (head->type == "start" || head->type == "end") {
      out["process"] = Process(event);
      out["actor"] = {{"app_name", "Vortex Sandbox"}};
      out["severity_id"] = kInformational;
      if (head->type == "end") AddEnd(out, event);
    } else {
      AddOwn(out, event, head->type);
    }
  } catch (const Json::exception&) {
    return InvalidArgument("a field of this {} line has another type than the schema says",
                           head->type);
  }
  // What has no place in OCSF stays with it.
  out["unmapped"] = event;
  return out.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

}  // namespace vortex::audit
