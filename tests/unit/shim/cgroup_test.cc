// SPDX-License-Identifier: Apache-2.0
#include "shim/cgroup.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace vortex::shim {
namespace {

constexpr char kMountsV1[] =
    "30 20 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "31 20 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "32 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

TEST(CgroupDirsTest, EachControllerInItsHierarchy) {
  const auto dirs = CgroupDirs(
      "9:memory:/ns/c1\n4:cpu,cpuacct:/ns/c1\n1:name=systemd:/x\n0::/ns/c1\n", kMountsV1, false);
  EXPECT_EQ(dirs.at("memory"), "/sys/fs/cgroup/memory/ns/c1");
  EXPECT_EQ(dirs.at("cpuacct"), "/sys/fs/cgroup/cpu,cpuacct/ns/c1");
  EXPECT_EQ(dirs.count("name=systemd"), 0U);
  EXPECT_EQ(dirs.count(""), 0U);  // a hybrid host counts as v1
}

TEST(CgroupDirsTest, TheUnifiedHierarchy) {
  const auto dirs = CgroupDirs("0::/system.slice/c1.scope\n",
                               "28 1 0:25 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", true);
  EXPECT_EQ(dirs.at(""), "/sys/fs/cgroup/system.slice/c1.scope");
}

TEST(CgroupDirsTest, TheRootGroupIsNobodys) {
  EXPECT_TRUE(CgroupDirs("9:memory:/\n", kMountsV1, false).empty());
}

TEST(CgroupTest, OurOwnGroupIsNeverAContainers) {
  // Killing "everything inside" would be killing ourselves.
  EXPECT_FALSE(Cgroup::OfProcess(::getpid()).known());
  EXPECT_TRUE(Cgroup::OfProcess(::getpid()).Pids().empty());
}

TEST(CgroupTest, AnUnknownProcessHasNone) { EXPECT_FALSE(Cgroup::OfProcess(0x7ffffff0).known()); }

}  // namespace
}  // namespace vortex::shim
