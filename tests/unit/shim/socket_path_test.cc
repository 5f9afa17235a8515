// SPDX-License-Identifier: Apache-2.0
#include "shim/socket_path.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/sha256_small.h"

namespace vortex::shim {
namespace {

TEST(Sha256SmallTest, KnownDigests) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // Padding over a block's edge.
  EXPECT_EQ(Sha256Hex(std::string(64, 'a')),
            "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

TEST(SocketPathTest, HashesTheCleanedJoin) {
  EXPECT_EQ(SocketPath("/run/containerd/s", "/run/containerd/containerd.sock", "default", "c1"),
            "/run/containerd/s/" + Sha256Hex("/run/containerd/containerd.sock/default/c1"));
  EXPECT_EQ(SocketPath("/s", "/a//b/", "ns", "c1"), "/s/" + Sha256Hex("/a/b/ns/c1"));
  EXPECT_EQ(SocketPath("/s", "", "ns", "c1"), "/s/" + Sha256Hex("ns/c1"));
}

TEST(CleanPathTest, AsGosPathClean) {
  EXPECT_EQ(CleanPath("/a/./b/../c//d/"), "/a/c/d");
  EXPECT_EQ(CleanPath("/../a"), "/a");
  EXPECT_EQ(CleanPath("../a/.."), "..");
  EXPECT_EQ(CleanPath(""), ".");
}

TEST(ListenOrFindTest, FindsTheLivingAndReplacesTheDead) {
  char pattern[] = "/tmp/vortex-sock-XXXXXX";
  const std::string dir = ::mkdtemp(pattern);
  const std::string path = dir + "/s";
  base::UniqueFd first;
  bool in_use = true;
  ASSERT_TRUE(ListenOrFind(path, &first, &in_use).ok());
  EXPECT_FALSE(in_use);
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  base::UniqueFd second;
  ASSERT_TRUE(ListenOrFind(path, &second, &in_use).ok());
  EXPECT_TRUE(in_use);
  EXPECT_FALSE(second);
  first.Reset();  // a shim that was killed: the file stays
  ASSERT_TRUE(ListenOrFind(path, &second, &in_use).ok());
  EXPECT_FALSE(in_use);
  EXPECT_TRUE(second);
  ::unlink(path.c_str());
  ::rmdir(dir.c_str());
  EXPECT_FALSE(ListenOrFind("/tmp/" + std::string(200, 'x'), &second, &in_use).ok());
}

}  // namespace
}  // namespace vortex::shim
