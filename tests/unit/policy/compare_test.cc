// SPDX-License-Identifier: Apache-2.0
#include "policy/compare.h"

#include <gmock/gmock.h>

#include "unit/policy/policies.h"

namespace vortex::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const std::string kOpen =
    "version: 1\nallow_untrusted: true\nuntrusted:\n  runtime_classes: [runc, gvisor]\n";
const std::string kAllow = "allow:\n- {plugin: a, reason: x, expires: never, ";

std::vector<std::string> Diff(const std::string& before, const std::string& after) {
  const auto a = ParsePolicy(before, "a.yaml"), b = ParsePolicy(after, "b.yaml");
  EXPECT_TRUE(a.ok() && b.ok()) << a.status() << b.status();
  std::vector<std::string> out;
  for (const Change& change : ComparePolicies(*a, *b, Ready().today)) {
    out.push_back((change.direction == Direction::kLoosens ? "+ " : "- ") + change.subject + " " +
                  change.what + ": " + change.before + " -> " + change.after);
  }
  return out;
}

TEST(CompareTest, TheSameIsNoChange) {
  EXPECT_THAT(Diff(kOpen, kOpen), IsEmpty());
  EXPECT_THAT(Diff("version: 1\n", "version: 1\nallow_untrusted: false\n"), IsEmpty());
}

TEST(CompareTest, WhoRuns) {
  EXPECT_THAT(Diff("version: 1\n", kOpen),
              ElementsAre("+ any other plugin runs: refused -> as untrusted"));
  EXPECT_THAT(Diff(kOpen, kOpen + "deny:\n- {plugin: a, reason: x}\n"),
              ElementsAre("- a runs: as untrusted -> refused"));
  EXPECT_THAT(
      Diff("version: 1\n",
           "version: 1\ntrust:\n- {plugin: a, level: trusted, reason: x, expires: never}\n"),
      ElementsAre("+ a runs: refused -> as trusted"));
  // An expired entry is none.
  EXPECT_THAT(Diff("version: 1\n",
                   "version: 1\ntrust:\n- {plugin: a, level: trusted, reason: x, "
                   "expires: 2026-01-01}\n"),
              IsEmpty());
}

TEST(CompareTest, LimitsAndClassesOfALevelConcernEverybody) {
  EXPECT_THAT(Diff(kOpen, kOpen + "  limits: {maximum: {memory: 1g}}\n  watch: {network: false}\n"),
              UnorderedElementsAre("- any other plugin limits.memory.maximum: 4g -> 1g",
                                   "+ any other plugin watch.network: on -> off"));
  EXPECT_THAT(
      Diff("version: 1\nallow_untrusted: true\nuntrusted: {runtime_classes: [gvisor]}\n", kOpen),
      ElementsAre("+ any other plugin runtime_class runc: - -> allowed"));
}

TEST(CompareTest, PrivilegesOfAPlugin) {
  EXPECT_THAT(
      Diff(kOpen,
           kOpen + kAllow +
               "capabilities: [CAP_CHOWN], mounts: [{source: /srv, destination: /mnt/x}]}\n"),
      UnorderedElementsAre("+ a capabilities CAP_CHOWN: - -> given",
                           "+ a mount /srv at /mnt/x, read-only: - -> given"));
  EXPECT_THAT(Diff(kOpen + kAllow + "egress: [{host: \"*.example.com\", port: 443}]}\n",
                   kOpen + kAllow + "egress: [{host: api.example.com, port: 443}]}\n"),
              ElementsAre("- a egress *.example.com:443: given -> -"));
  EXPECT_THAT(Diff(kOpen + kAllow + "egress: [{host: \"*.example.com\", port: 443}]}\n",
                   kOpen + kAllow +
                       "egress: [{host: \"*.example.com\", port: 443}]}\n"
                       "deny:\n- {hosts: [evil.example.com], reason: x}\n"),
              ElementsAre("- a egress evil.example.com:443: given -> -"));
  EXPECT_THAT(
      Diff(kOpen + kAllow + "egress: [{host: a.example.com, port: 443}]}\n",
           kOpen + kAllow +
               "egress: [{host: a.example.com, port: 443}], address_ranges: [10.0.0.0/8]}\n"),
      ElementsAre("+ a egress a.example.com:443 in 10.0.0.0/8: - -> given"));
}

TEST(CompareTest, ADigestIsASubjectOfItsOwn) {
  EXPECT_THAT(Diff(kOpen + kAllow + "capabilities: [CAP_CHOWN]}\n",
                   kOpen + kAllow + "capabilities: [CAP_CHOWN], digest: \"" + kDigestA + "\"}\n"),
              ElementsAre("- a capabilities CAP_CHOWN: given -> -"));
}

}  // namespace
}  // namespace vortex::policy
