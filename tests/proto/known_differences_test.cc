// SPDX-License-Identifier: Apache-2.0
#include "proto/known_differences.h"

#include <gtest/gtest.h>

namespace vortex::proto_test {
namespace {

std::vector<Difference> Check(const WireTable& ours, const WireTable& theirs, Version packaged) {
  return Unexpected(Compare(ours, theirs), ours, theirs, packaged);
}

const WireFact kBody{"config_body", "LABEL_OPTIONAL TYPE_BYTES"};
constexpr char kBodyKey[] = "runtimeoptions.v1.Options#3";

TEST(KnownDifferencesTest, ANewerFieldIsExcusedInAnOlderPackageOnly) {
  EXPECT_TRUE(Check({{kBodyKey, kBody}}, {}, {1, 6}).empty());
  EXPECT_EQ(Check({{kBodyKey, kBody}}, {}, {1, 7}).size(), 1u);
  EXPECT_EQ(Check({{kBodyKey, kBody}}, {}, {2, 0}).size(), 1u);
}

TEST(KnownDifferencesTest, ANewerFieldIsNotExcusedWhenItIsThereInAnotherForm) {
  const WireFact other{"config_body", "LABEL_OPTIONAL TYPE_STRING"};
  EXPECT_EQ(Check({{kBodyKey, kBody}}, {{kBodyKey, other}}, {1, 6}).size(), 1u);
}

TEST(KnownDifferencesTest, ANewerMessageExcusesItsFieldsAndNotItsNeighbours) {
  const WireFact field{"total", "LABEL_OPTIONAL TYPE_UINT64"};
  EXPECT_TRUE(Check({{"io.containerd.cgroups.v2.PSIData#4", field}}, {}, {1, 0}).empty());
  EXPECT_EQ(Check({{"io.containerd.cgroups.v2.PSIDataX#4", field}}, {}, {1, 0}).size(), 1u);
  EXPECT_EQ(Check({{"runtimeoptions.v1.Options#30", field}}, {}, {1, 6}).size(), 1u);
}

TEST(KnownDifferencesTest, ARenamedFieldMayHaveNoOtherName) {
  const std::string key = "containerd.services.introspection.v1.Plugin#3";
  const std::string type = "LABEL_REPEATED TYPE_STRING";
  const WireTable ours = {{key, {"required_plugins", type}}};
  EXPECT_TRUE(Check(ours, {{key, {"requires", type}}}, {1, 6}).empty());
  EXPECT_EQ(Check(ours, {{key, {"needs", type}}}, {1, 6}).size(), 1u);
  EXPECT_EQ(Check({{key, {"required", type}}}, {{key, {"requires", type}}}, {1, 6}).size(), 1u);
}

}  // namespace
}  // namespace vortex::proto_test
