// SPDX-License-Identifier: Apache-2.0
#include "review/diff.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/review/goldens.h"

namespace vortex::review {
namespace {

using Json = nlohmann::json;

// The one direction of all changes; "mixed" otherwise, "same" without any.
std::string Only(const std::string& a, const std::string& b, DiffOptions options = {}) {
  std::string out = "same";
  const auto report = DiffSpecs(a, b, options);
  if (!report.ok()) return report.status().ToString();
  for (const Change& change : report->changes) {
    const std::string name(Name(change.direction));
    out = out == "same" || out == name ? name : "mixed";
  }
  return out;
}

std::string Linux(const std::string& inside) { return R"({"linux": {)" + inside + "}}"; }

TEST(DiffTest, OrderAndSpacesAreNoDifference) {
  for (const auto& path : Goldens()) {
    const std::string text = ReadText(path);
    EXPECT_EQ(Only(text, Json::parse(text).dump()), "same") << path;
  }
}

TEST(DiffTest, MaskingAParentCovers) {
  const auto masked = [](const char* path) {
    return Linux(std::string(R"("maskedPaths": [")") + path + "\"]");
  };
  EXPECT_EQ(Only(masked("/proc/acpi"), masked("/proc")), "tightens");
  EXPECT_EQ(Only(masked("/proc"), masked("/proc/acpi")), "loosens");
}

// A condition that holds for everything is none, also beside another rule that judges a part of it.
TEST(DiffTest, AConditionThatAlwaysHoldsRestrictsNothing) {
  const auto sends = [](const std::string& condition) {
    return Linux(R"("seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [)"
                 R"({"names": ["sendto"], "action": "SCMP_ACT_ALLOW", "args": [)" +
                 condition +
                 R"(, {"index": 4, "op": "SCMP_CMP_EQ", "value": 0}]}, )"
                 R"({"names": ["sendto"], "action": "SCMP_ACT_NOTIFY", "args": [)"
                 R"({"index": 3, "op": "SCMP_CMP_EQ", "value": 16384}, )"
                 R"({"index": 4, "op": "SCMP_CMP_EQ", "value": 0}]}]})");
  };
  const std::string some = R"({"index": 3, "op": "SCMP_CMP_NE", "value": 16384})";
  for (const char* all : {R"({"index": 3, "op": "SCMP_CMP_GE", "value": 0})",
                          R"({"index": 3, "op": "SCMP_CMP_MASKED_EQ", "value": 0})"}) {
    EXPECT_EQ(Only(sends(some), sends(all)), "loosens") << all;
    EXPECT_EQ(Only(sends(all), sends(some)), "tightens") << all;
  }
}

TEST(DiffTest, DeviceRulesAreReadInOrder) {
  const auto rules = [](const std::string& list) {
    return Linux(R"("resources": {"devices": [)" + list + "]}");
  };
  const std::string deny = R"({"allow": false, "access": "rwm"})",
                    allow = R"({"allow": true, "access": "rwm"})";
  const std::string one = R"({"allow": true, "type": "c", "major": 1, "minor": 9, "access": "r"})";
  const std::string all = R"({"allow": true, "type": "c", "major": 1, "access": "r"})";
  EXPECT_EQ(Only(rules(deny + "," + allow), rules(allow)), "same");
  EXPECT_EQ(Only(rules(allow + "," + deny), rules(deny)), "same");
  EXPECT_EQ(Only(rules(deny), rules(deny + "," + one)), "loosens");
  EXPECT_EQ(Only(rules(deny + "," + all), rules(deny + "," + one)), "tightens");
}

TEST(DiffTest, PathsThatAreNotAbsoluteAreComparedAsTheyAre) {
  const std::string relative = Linux(R"("maskedPaths": ["proc"], "readonlyPaths": ["proc", ""])");
  EXPECT_NE(Only("{}", relative), "same");
  EXPECT_NE(Only(relative, "{}"), "same");
}

TEST(DiffTest, UnknownIsNeverClean) {
  EXPECT_FALSE(DiffSpecs("{}", R"({"new": 1})", {})->Clean());
  EXPECT_FALSE(DiffSpecs(R"({"linux": {"new": 1}})", "{}", {})->Clean());
}

TEST(DiffTest, RunFieldsCanBeLeftOut) {
  const std::string a = ReadText(SourceDir() / "oci-specs/golden/runc-default.json");
  Json b = Json::parse(a);
  b["linux"]["cgroupsPath"] = "/vortex/word-count-ffffffffffffffff";
  b["annotations"]["io.vortex.run-id"] = "word-count-ffffffffffffffff";
  for (const char* map : {"uidMappings", "gidMappings"}) b["linux"][map][0]["hostID"] = 1879113728;
  EXPECT_NE(Only(a, b.dump()), "same");
  EXPECT_EQ(Only(a, b.dump(), {.ignore_run_fields = true}), "same");
  b["linux"]["cgroupsPath"] = "/";
  EXPECT_EQ(Only(a, b.dump(), {.ignore_run_fields = true}), "loosens");
}

// Every leaf of every golden, changed or taken away, shows up as some change.
void EveryLeaf(const Json& whole, const Json::json_pointer& at, int& leaves) {
  const Json& value = whole.at(at);
  if (value.is_structured()) {
    for (const auto& [key, inner] : value.items())
      EveryLeaf(whole, value.is_array() ? at / std::stoul(key) : at / key, leaves);
    return;
  }
  // An unset number that says what is the default anyway: the valueTwo of an equality.
  if (at.back() == "valueTwo" && whole.at(at.parent_pointer()).at("op") != "SCMP_CMP_MASKED_EQ")
    return;
  Json other = whole;
  other[at] = value.is_string()    ? Json(value.get<std::string>() + "x")
              : value.is_boolean() ? Json(!value.get<bool>())
                                   : Json(value.get<std::int64_t>() + 1);
  ++leaves;
  EXPECT_NE(Only(whole.dump(), other.dump()), "same") << at;
}

TEST(DiffTest, NoLeafIsSkipped) {
  int leaves = 0;
  for (const char* name : {"runc-default", "runc-device", "runc-cgroup-v2", "gvisor-default"}) {
    Json golden =
        Json::parse(ReadText(SourceDir() / "oci-specs/golden" / (std::string(name) + ".json")));
    Json& rules = golden["linux"]["seccomp"]["syscalls"];
    if (rules.is_array() && !rules.empty())
      rules[0]["names"] = {"access", "chdir"};  // 257 more tell nothing new
    if (rules.is_null()) golden["linux"].erase("seccomp");
    EveryLeaf(golden, Json::json_pointer(), leaves);
  }
  std::printf("%d leaves changed, each seen\n", leaves);
}

}  // namespace
}  // namespace vortex::review
