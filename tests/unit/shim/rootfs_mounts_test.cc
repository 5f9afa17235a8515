// SPDX-License-Identifier: Apache-2.0
#include "shim/rootfs_mounts.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

namespace vortex::shim {
namespace {

TEST(MountOptionsTest, FlagsPropagationAndData) {
  const MountOptions options = ParseMountOptions(
      {"ro", "nosuid", "rprivate", "lowerdir=/a:/b", "upperdir=/u", "rw", "loop"});
  EXPECT_EQ(options.flags, static_cast<unsigned long>(MS_NOSUID));  // rw took ro back
  EXPECT_EQ(options.propagation, static_cast<unsigned long>(MS_PRIVATE | MS_REC));
  EXPECT_EQ(options.data, "lowerdir=/a:/b,upperdir=/u");
  EXPECT_TRUE(options.loop);
}

TEST(MountOptionsTest, WhatMustNotBeIgnoredIsNamed) {
  EXPECT_EQ(ParseMountOptions({"uidmap=0:1:2"}).unsupported, "uidmap=0:1:2");
  EXPECT_EQ(ParseMountOptions({"X-containerd.mkfs.fs=ext4"}).unsupported,
            "X-containerd.mkfs.fs=ext4");
}

class MountTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || ::unshare(CLONE_NEWNS) != 0 ||
        ::mount("", "/", "", MS_REC | MS_PRIVATE, nullptr) != 0) {
      GTEST_SKIP() << "needs root and a mount namespace of its own";
    }
    char pattern[] = "/tmp/vortex-mnt-XXXXXX";
    dir_ = ::mkdtemp(pattern);
  }
  void TearDown() override {
    if (dir_.empty()) return;
    EXPECT_TRUE(UnmountAll(dir_).ok());
    EXPECT_FALSE(AnyMountAt(dir_));
    ::rmdir((dir_ + "/rootfs").c_str());
    ::rmdir(dir_.c_str());
  }
  std::string dir_;
};

TEST_F(MountTest, ABindKeepsItsOtherFlags) {
  const std::vector<MountRequest> mounts = {{"bind", "/usr", "", {"rbind", "ro", "nosuid"}}};
  ASSERT_TRUE(MountAll(mounts, dir_ + "/rootfs").ok());
  EXPECT_NE(::access((dir_ + "/rootfs").c_str(), W_OK), 0);
  EXPECT_EQ(errno, EROFS);
}

TEST_F(MountTest, AFailureUndoesWhatWasMounted) {
  const std::vector<MountRequest> mounts = {{"tmpfs", "tmpfs", "", {}},
                                            {"no-such-fs", "x", "", {}}};
  const Status status = MountAll(mounts, dir_ + "/rootfs");
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message.find("no-such-fs"), std::string::npos);
  EXPECT_FALSE(AnyMountAt(dir_ + "/rootfs"));
}

TEST_F(MountTest, StackedMountsAllGo) {
  const std::vector<MountRequest> mounts = {{"tmpfs", "a", "", {}}, {"tmpfs", "b", "", {}}};
  ASSERT_TRUE(MountAll(mounts, dir_ + "/rootfs").ok());
  ASSERT_TRUE(UnmountAll(dir_ + "/rootfs").ok());
  EXPECT_FALSE(AnyMountAt(dir_ + "/rootfs"));
}

TEST_F(MountTest, ATargetMayNotLeaveTheRootfs) {
  EXPECT_EQ(MountAll({{"tmpfs", "a", "../x", {}}}, dir_ + "/rootfs").code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace vortex::shim
