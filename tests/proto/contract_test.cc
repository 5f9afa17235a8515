// SPDX-License-Identifier: Apache-2.0
// Our .proto files against those that Debian packages. compare_test.cc shows that the comparison
// notices mistakes.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <string>

#include "proto/known_differences.h"
#include "proto/packaged_protos.h"

namespace vortex::proto_test {
namespace {

WireTable Only(const WireTable& table, Component component) {
  WireTable part;
  for (const auto& [key, fact] : table) {
    if (ComponentOf(key) == component) part.emplace(key, fact);
  }
  return part;
}

std::string Lines(const std::vector<Difference>& differences) {
  std::string lines;
  for (const Difference& difference : differences) {
    lines += "\n  " + difference.key + ": " + difference.what;
  }
  return lines;
}

class ContractTest : public testing::TestWithParam<Component> {
 protected:
  void SetUp() override {
    ASSERT_EQ(LoadOurs().error, "");
    ours_ = Only(LoadOurs().table, GetParam());
    packaged_ = LoadPackaged(GetParam());
    if (!packaged_.missing.empty()) GTEST_SKIP() << packaged_.missing;
    ASSERT_EQ(packaged_.error, "");
  }

  std::vector<Difference> Check(const WireTable& ours) const {
    return Unexpected(Compare(ours, packaged_.table), ours, packaged_.table, packaged_.version);
  }

  WireTable ours_;
  Packaged packaged_;
};

TEST_P(ContractTest, EverythingWeDeclareIsTheirs) {
  const auto unexpected = Check(ours_);
  EXPECT_TRUE(unexpected.empty()) << Lines(unexpected);
  std::cout << ours_.size() << " facts of ours, " << packaged_.table.size()
            << " of theirs (version " << packaged_.version.major << "." << packaged_.version.minor
            << ")\n";
  // A comparison of nothing would pass too.
  EXPECT_GT(ours_.size(), GetParam() == Component::kTtrpc ? 10u : 150u);
}

// An entry of the lists that no longer is a difference would hide a later mistake.
TEST_P(ContractTest, EveryMeantDifferenceIsOne) {
  for (const Different& different : DifferentFacts()) {
    if (ComponentOf(different.key) != GetParam()) continue;
    const auto all = Compare(ours_, packaged_.table);
    EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                            [&](const Difference& one) { return one.key == different.key; }))
        << different.key << " is the same on both sides: take it off the list";
  }
  for (const Newer& newer : NewerFacts()) {
    if (ComponentOf(newer.key) != GetParam() || newer.since <= packaged_.version) continue;
    EXPECT_EQ(packaged_.table.count(std::string(newer.key)), 0u)
        << newer.key << " is there already: correct its version";
  }
}

// The same check, with one field of ours under a number that is wrong.
TEST_P(ContractTest, NoticesAWrongFieldNumber) {
  const std::map<Component, std::pair<std::string, std::string>> kMoves = {
      {Component::kContainerd, {"containerd.types.Mount#4", "containerd.types.Mount#5"}},
      {Component::kCgroups,
       {"io.containerd.cgroups.v2.MemoryEvents#5", "io.containerd.cgroups.v2.MemoryEvents#4"}},
      {Component::kTtrpc, {"ttrpc.Request#3", "ttrpc.Request#30"}},
  };
  const auto& [from, to] = kMoves.at(GetParam());
  WireTable moved = ours_;
  ASSERT_EQ(moved.count(from), 1u) << from;
  moved[to] = moved[from];
  moved.erase(from);
  // One more than without the move, so that a real difference fails only the test that names it.
  const auto unexpected = Check(moved);
  EXPECT_EQ(unexpected.size(), Check(ours_).size() + 1);
  EXPECT_TRUE(std::any_of(unexpected.begin(), unexpected.end(), [&](const Difference& one) {
    return one.key == to;
  })) << Lines(unexpected);
}

INSTANTIATE_TEST_SUITE_P(Packages, ContractTest,
                         testing::Values(Component::kContainerd, Component::kCgroups,
                                         Component::kTtrpc),
                         [](const auto& param) -> std::string {
                           switch (param.param) {
                             case Component::kContainerd:
                               return "Containerd";
                             case Component::kCgroups:
                               return "Cgroups";
                             default:
                               return "Ttrpc";
                           }
                         });

// Needs no package: every name on the lists is one of ours.
TEST(KnownDifferencesTest, NameWhatWeDeclare) {
  ASSERT_EQ(LoadOurs().error, "");
  for (const Newer& newer : NewerFacts()) {
    EXPECT_EQ(LoadOurs().table.count(std::string(newer.key)), 1u) << newer.key;
  }
  for (const Different& different : DifferentFacts()) {
    EXPECT_EQ(LoadOurs().table.count(std::string(different.key)), 1u) << different.key;
  }
}

}  // namespace
}  // namespace vortex::proto_test
