// SPDX-License-Identifier: Apache-2.0
#include "shim/args.h"

#include <gtest/gtest.h>

namespace vortex::shim {
namespace {

TEST(ArgsTest, TheCallOfContainerd) {
  const Args args = ParseArgs({"-namespace", "ns", "-address", "/a.sock", "-publish-binary",
                               "/bin/containerd", "-id", "c1", "-debug", "start"});
  EXPECT_EQ(args.name_space, "ns");
  EXPECT_EQ(args.address, "/a.sock");
  EXPECT_EQ(args.publish_binary, "/bin/containerd");
  EXPECT_EQ(args.id, "c1");
  EXPECT_TRUE(args.debug);
  EXPECT_EQ(args.action, "start");
}

TEST(ArgsTest, GosFlagForms) {
  const Args args = ParseArgs(
      {"--namespace=ns", "-id=c1", "--debug=false", "-bundle", "/b", "delete", "-id", "other"});
  EXPECT_EQ(args.name_space, "ns");
  EXPECT_EQ(args.id, "c1");  // what follows the action is no flag
  EXPECT_FALSE(args.debug);
  EXPECT_EQ(args.bundle, "/b");
  EXPECT_EQ(args.action, "delete");
}

TEST(ArgsTest, UnknownFlagsAreKeptApartAndValuesMayBeMissing) {
  const Args args = ParseArgs({"-new-flag", "-v", "-id"});
  EXPECT_EQ(args.unknown, (std::vector<std::string>{"-new-flag"}));
  EXPECT_TRUE(args.version);
  EXPECT_EQ(args.id, "");
  EXPECT_EQ(ParseArgs({}).action, "");
}

}  // namespace
}  // namespace vortex::shim
