// SPDX-License-Identifier: Apache-2.0
// The export against what OCSF publishes. The tables are our own notes of the classes and objects
// that the export uses: what is required, which numbers there are, which of several must be there.
// Source: github.com/ocsf/ocsf-schema: events/{system,network,findings,application}/*.json,
// objects/*.json, profiles/{host,container,security_control}.json, read from that repository's
// history around 1.3 (the version that the export names), not from a run of its validator.
#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "audit/line.h"
#include "audit/ocsf.h"
#include "support/status_matchers.h"

namespace vortex::testing {
namespace {

using nlohmann::json;

enum class Type { kText, kInteger, kTime, kObject, kTexts };

struct Attribute {
  Type type;
  const char* object = nullptr;  // name of the object's row
  std::set<int> numbers = {};    // of an enumeration; empty: any
};

struct Row {
  std::map<std::string, Attribute> attributes;  // all that the export may use here
  std::set<std::string> required;
  std::set<std::string> at_least_one = {};
};

const std::set<int> kSeverities = {0, 1, 2, 3, 4, 5, 6, 99};
const std::set<int> kDispositions = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
                                     15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 99};

const std::map<std::string, Row>& Objects() {
  static const std::map<std::string, Row> rows = {
      {"metadata",
       {{{"version", {Type::kText}},
         {"product", {Type::kObject, "product"}},
         {"profiles", {Type::kTexts}},
         {"sequence", {Type::kInteger}},
         {"uid", {Type::kText}},
         {"correlation_uid", {Type::kText}}},
        {"version", "product"}}},
      {"product",
       {{{"name", {Type::kText}}, {"vendor_name", {Type::kText}}, {"version", {Type::kText}}},
        {"vendor_name"}}},
      {"device",
       {{{"hostname", {Type::kText}}, {"type_id", {Type::kInteger, nullptr, {0, 1, 2, 99}}}},
        {"type_id"},
        {"hostname", "instance_uid", "interface_name", "interface_uid", "ip", "name", "uid"}}},
      {"actor",
       {{{"process", {Type::kObject, "process"}},
         {"user", {Type::kObject, "user"}},
         {"app_name", {Type::kText}}},
        {},
        {"process", "user", "invoked_by", "session", "app_name", "app_uid"}}},
      {"user", {{{"uid", {Type::kText}}}, {}, {"account", "name", "uid"}}},
      {"process",
       {{{"uid", {Type::kText}},
         {"pid", {Type::kInteger}},
         {"name", {Type::kText}},
         {"container", {Type::kObject, "container"}}},
        {},
        {"pid", "uid"}}},
      {"container",
       {{{"uid", {Type::kText}}, {"name", {Type::kText}}, {"runtime", {Type::kText}}},
        {},
        {"uid", "name"}}},
      {"file",
       {{{"name", {Type::kText}},
         {"path", {Type::kText}},
         {"type_id", {Type::kInteger, nullptr, {0, 1, 2, 3, 4, 5, 6, 7, 99}}}},
        {"name", "type_id"}}},
      {"kernel",
       {{{"name", {Type::kText}},
         {"type_id", {Type::kInteger, nullptr, {0, 1, 2, 99}}},
         {"type", {Type::kText}}},
        {"name", "type_id"}}},
      {"network_endpoint",
       {{{"hostname", {Type::kText}},
         {"ip", {Type::kText}},
         {"port", {Type::kInteger}},
         {"uid", {Type::kText}}},
        {},
        {"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid",
         "interface_name", "domain"}}},
      {"dns_query", {{{"hostname", {Type::kText}}}, {"hostname"}}},
      {"rule", {{{"uid", {Type::kText}}}, {}, {"name", "uid"}}},
      {"api",
       {{{"operation", {Type::kText}}, {"service", {Type::kObject, "service"}}}, {"operation"}}},
      {"service", {{{"name", {Type::kText}}}, {}, {"name", "uid"}}},
      {"finding_info", {{{"title", {Type::kText}}, {"uid", {Type::kText}}}, {"title", "uid"}}},
  };
  return rows;
}

// Of every class: the base event, and the profiles host, container and security_control.
std::map<std::string, Attribute> Common() {
  return {{"category_uid", {Type::kInteger}},
          {"class_uid", {Type::kInteger}},
          {"type_uid", {Type::kInteger}},
          {"activity_name", {Type::kText}},
          {"time", {Type::kTime}},
          {"start_time", {Type::kTime}},
          {"end_time", {Type::kTime}},
          {"duration", {Type::kInteger}},
          {"count", {Type::kInteger}},
          {"message", {Type::kText}},
          {"metadata", {Type::kObject, "metadata"}},
          {"severity_id", {Type::kInteger, nullptr, kSeverities}},
          {"status_id", {Type::kInteger, nullptr, {0, 1, 2, 99}}},
          {"status_code", {Type::kText}},
          {"status_detail", {Type::kText}},
          {"actor", {Type::kObject, "actor"}},
          {"device", {Type::kObject, "device"}},
          {"action_id", {Type::kInteger, nullptr, {0, 1, 2}}},
          {"disposition_id", {Type::kInteger, nullptr, kDispositions}},
          {"firewall_rule", {Type::kObject, "rule"}},
          {"unmapped", {Type::kObject}}};
}

Row Class(const std::set<int>& activities, std::map<std::string, Attribute> own,
          std::set<std::string> required, std::set<std::string> at_least_one = {}) {
  own.merge(Common());
  own["activity_id"] = {Type::kInteger, nullptr, activities};
  required.insert(
      {"activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id", "metadata"});
  return {std::move(own), std::move(required), std::move(at_least_one)};
}

const std::map<int, Row>& Classes() {
  const Attribute process{Type::kObject, "process"}, endpoint{Type::kObject, "network_endpoint"};
  static const std::map<int, Row> rows = {
      {1001, Class({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 99},
                   {{"file", {Type::kObject, "file"}}}, {"actor", "device", "file"})},
      {1003, Class({0, 1, 2, 3, 4, 99}, {{"kernel", {Type::kObject, "kernel"}}},
                   {"actor", "device", "kernel"})},
      {1007, Class({0, 1, 2, 3, 4, 5, 99}, {{"process", process}, {"exit_code", {Type::kInteger}}},
                   {"actor", "device", "process"})},
      // status_id of a finding is its life: 1 is "new", not "success".
      {2004, Class({0, 1, 2, 3, 99},
                   {{"finding_info", {Type::kObject, "finding_info"}},
                    {"status_id", {Type::kInteger, nullptr, {1}}}},
                   {"finding_info"})},
      {4001,
       Class({0, 1, 2, 3, 4, 5, 6, 7, 99}, {{"dst_endpoint", endpoint}, {"src_endpoint", endpoint}},
             {}, {"dst_endpoint", "src_endpoint"})},
      {4003, Class({0, 1, 2, 6, 99},
                   {{"query", {Type::kObject, "dns_query"}}, {"src_endpoint", endpoint}}, {},
                   {"dst_endpoint", "src_endpoint"})},
      {6002,
       Class({0, 1, 2, 3, 4, 5, 6, 7, 8, 99}, {{"app", {Type::kObject, "product"}}}, {"app"})},
      {6003,
       Class({0, 1, 2, 3, 4, 99}, {{"api", {Type::kObject, "api"}}, {"src_endpoint", endpoint}},
             {"actor", "api", "src_endpoint"})},
  };
  return rows;
}

void Check(const json& value, const Row& row, const std::string& path,
           std::vector<std::string>& bad);

void CheckValue(const json& value, const Attribute& attribute, const std::string& path,
                std::vector<std::string>& bad) {
  switch (attribute.type) {
    case Type::kText:
      if (!value.is_string()) bad.push_back(path + ": not a text");
      break;
    case Type::kTexts:
      if (!value.is_array()) bad.push_back(path + ": not a list");
      for (const json& item : value)
        if (!item.is_string()) bad.push_back(path + ": not a list of texts");
      break;
    case Type::kInteger:
      if (!value.is_number_integer())
        bad.push_back(path + ": not an integer");
      else if (!attribute.numbers.empty() && !attribute.numbers.contains(value.get<int>()))
        bad.push_back(path + ": no such number: " + value.dump());
      break;
    case Type::kTime:
      // Milliseconds of this century; seconds or microseconds would be far off.
      if (!value.is_number_integer() || value < 946'684'800'000 || value > 4'102'444'800'000)
        bad.push_back(path + ": not a time in milliseconds");
      break;
    case Type::kObject:
      if (!value.is_object())
        bad.push_back(path + ": not an object");
      else if (attribute.object != nullptr)
        Check(value, Objects().at(attribute.object), path, bad);
      break;
  }
}

void Check(const json& value, const Row& row, const std::string& path,
           std::vector<std::string>& bad) {
  for (const std::string& name : row.required)
    if (!value.contains(name)) bad.push_back(path + "." + name + ": required");
  bool one = row.at_least_one.empty();
  for (const auto& [name, member] : value.items()) {
    one = one || row.at_least_one.contains(name);
    const auto attribute = row.attributes.find(name);
    if (attribute == row.attributes.end())
      bad.push_back(path + "." + name + ": not an attribute of it");
    else
      CheckValue(member, attribute->second, path + "." + name, bad);
  }
  if (!one) bad.push_back(path + ": none of the attributes of which one must be there");
}

std::vector<std::string> Problems(const json& event) {
  std::vector<std::string> bad;
  const int class_uid = event.value("class_uid", 0), activity = event.value("activity_id", -1);
  if (!Classes().contains(class_uid)) return {"class_uid: no such class"};
  Check(event, Classes().at(class_uid), std::to_string(class_uid), bad);
  if (event.value("category_uid", 0) != class_uid / 1000) bad.push_back("category_uid: not its");
  if (event.value("type_uid", 0) != class_uid * 100 + activity) bad.push_back("type_uid: not its");
  // "Other": the schema sends the reader to activity_name.
  if (activity == 99 && event.value("activity_name", "").empty())
    bad.push_back("activity_name: required when activity_id is 99");
  return bad;
}

json Export(const std::string& type, const std::string& fields) {
  const audit::WallTime time(std::chrono::nanoseconds(1'764'000'000'123'456'789));
  const auto event = audit::ToOcsf(audit::MakeLine(7, audit::kNoHash, time, {type, fields}), "1.2");
  EXPECT_THAT(event, IsOk());
  return event.ok() ? json::parse(*event) : json();
}

constexpr char kRun[] =
    R"("node":"n1","run_id":"run-1","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",)"
    R"("plugin":{"id":"p","version":"1","digest":""},"runtime_class":"runc")";

std::string Denial(const char* control, const char* action, const char* target) {
  return std::string(kRun) + R"(,"control":")" + control + R"(","action":")" + action +
         R"(","target":")" + target +
         R"(","rule":"isolation.x","witness":"kernel","count":3,"errno":"EACCES",)"
         R"("first":"2025-11-24T16:00:00.000000001Z","last":"2025-11-24T16:00:01.000000001Z")";
}

TEST(OcsfSchema, EveryLineFollowsThePublishedSchema) {
  const std::pair<const char*, std::string> lines[] = {
      {"decision",
       std::string(kRun) +
           R"(,"decision":"denied","reason":"no","actor":{"uid":0,"pid":7},"rules":[])"},
      {"decision",
       std::string(kRun) + R"(,"decision":"granted","actor":{"uid":0,"pid":7},"rules":[])"},
      {"start", kRun},
      {"end", std::string(kRun) + R"(,"cause":"ok","exit_code":0,"total_usec":1234567)"},
      {"end", std::string(kRun) + R"(,"cause":"oom","exit_code":null,"total_usec":1)"},
      {"denial", Denial("network", "connect", "192.0.2.1:80")},
      {"denial", Denial("network", "connect", "[2001:db8::1]:443")},
      {"denial", Denial("network", "bind", "0.0.0.0:8080")},
      {"denial", Denial("network", "socket", "AF_PACKET")},
      {"denial", Denial("network", "resolve", "example.com")},
      {"denial", Denial("filesystem", "open", "/etc/shadow")},
      {"denial", Denial("filesystem", "write", "/x")},
      {"denial", Denial("syscall", "ptrace", "ptrace")},
      {"denial", Denial("capability", "setuid", "setuid")},
      {"denial", Denial("process", "fork", "")},
      {"denial", Denial("device", "mknod", "c 1:3")},
      {"denial", Denial("made-up", "x", "y")},
      {"log_open", R"("log_id":"x","segment":1,"node":"n1")"},
      {"segment_seal", R"("log_id":"x","segment":1,"first_seq":1,"last_seq":2)"},
      {"recovery", R"("reason":"torn_line")"},
      {"records_lost", R"("count":3)"},
  };
  for (const auto& [type, fields] : lines) {
    const json event = Export(type, fields);
    EXPECT_THAT(Problems(event), ::testing::IsEmpty()) << event.dump(1);
  }
}

// The judge itself: what it must catch, it catches.
TEST(OcsfSchema, TheTableNoticesWhatIsWrong) {
  const json good = Export("denial", Denial("network", "connect", "192.0.2.1:80"));
  const auto with = [&](const char* pointer, const json& value) {
    json event = good;
    event[json::json_pointer(pointer)] = value;
    return Problems(event);
  };
  EXPECT_THAT(with("/severity_id", 7), ::testing::SizeIs(1));
  EXPECT_THAT(with("/severity_id", "3"), ::testing::SizeIs(1));
  EXPECT_THAT(with("/time", 1'764'000'000), ::testing::SizeIs(1));
  EXPECT_THAT(with("/action_id", 99), ::testing::SizeIs(1));
  EXPECT_THAT(with("/container", json::object()), ::testing::SizeIs(1));
  EXPECT_THAT(with("/actor/process", {{"name", "p"}}), ::testing::SizeIs(1));
  EXPECT_THAT(with("/activity_id", 99), ::testing::SizeIs(2));
  json event = good;
  event.erase("metadata");
  EXPECT_THAT(Problems(event), ::testing::SizeIs(1));
}

}  // namespace
}  // namespace vortex::testing
