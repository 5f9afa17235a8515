// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "client/import.h"
#include "client/import/archive_path.h"
#include "client/import/image_name.h"
#include "client/import/media_types.h"
#include "client/import/platform.h"

namespace vortex::client::importing {
namespace {

using ::testing::HasSubstr;

TEST(ArchivePathTest, Normalises) {
  EXPECT_EQ(*NormaliseArchivePath("./a//b/./c/"), "a/b/c");
  EXPECT_EQ(*NormaliseArchivePath("./"), "");
  EXPECT_EQ(*NormaliseArchivePath("..a/b.."), "..a/b..");
  EXPECT_FALSE(NormaliseArchivePath("a/..").ok());
  EXPECT_FALSE(NormaliseArchivePath("..").ok());
}

TEST(ArchivePathTest, PrintsNoControlCharacters) {
  EXPECT_EQ(Printable("a\x1b[2Jb\n"), "a?[2Jb?");
  EXPECT_LT(Printable(std::string(10'000, 'x')).size(), 200u);
}

TEST(ImageNameTest, KnowsFullNames) {
  EXPECT_TRUE(IsFullImageName("docker.io/library/alpine:3"));
  EXPECT_TRUE(IsFullImageName("localhost/x:1"));
  EXPECT_TRUE(IsFullImageName("reg:5000/x@sha256:00"));
  EXPECT_FALSE(IsFullImageName("latest"));
  EXPECT_FALSE(IsFullImageName("3.18"));
  EXPECT_FALSE(IsFullImageName("alpine:3"));
  EXPECT_FALSE(IsFullImageName("library/alpine:3"));
  EXPECT_FALSE(IsFullImageName("docker.io/alpine"));
  EXPECT_FALSE(IsFullImageName("/x:1"));
}

TEST(ImageNameTest, ReadsShortNamesAsDockerDoes) {
  EXPECT_EQ(NormaliseDockerName("alpine:3"), "docker.io/library/alpine:3");
  EXPECT_EQ(NormaliseDockerName("alpine"), "docker.io/library/alpine:latest");
  EXPECT_EQ(NormaliseDockerName("a/b"), "docker.io/a/b:latest");
  EXPECT_EQ(NormaliseDockerName("localhost:5000/b"), "localhost:5000/b:latest");
  EXPECT_EQ(NormaliseDockerName("quay.io/a/b:1"), "quay.io/a/b:1");
}

TEST(ImageNameTest, RefusesBadOnes) {
  EXPECT_FALSE(CheckImageName("").ok());
  EXPECT_FALSE(CheckImageName("a b").ok());
  EXPECT_FALSE(CheckImageName("a\nb").ok());
  EXPECT_FALSE(CheckImageName(std::string(2000, 'a')).ok());
}

TEST(MediaTypeTest, SaysWhyALayerCannotBeUsed) {
  for (const char* good :
       {"application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar.gzip"}) {
    EXPECT_TRUE(CheckLayerType(good).ok()) << good;
  }
  const auto why = [](const char* type) { return std::string(Message(CheckLayerType(type))); };
  EXPECT_THAT(why("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"), HasSubstr("encrypted"));
  EXPECT_THAT(why("application/vnd.oci.image.layer.nondistributable.v1.tar"),
              HasSubstr("outside the image"));
  EXPECT_THAT(why("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
              HasSubstr("outside the image"));
  EXPECT_THAT(why("application/vnd.oci.image.layer.v1.tar+xz"),
              HasSubstr("is not supported (tar,"));
  EXPECT_THAT(why("text/plain"), HasSubstr("text/plain is not supported"));
}

TEST(PlatformTest, RanksVariants) {
  const Platform v2{"linux", "amd64", "v2"};
  EXPECT_EQ(PlatformRank(v2, {"linux", "amd64", ""}), 1);
  EXPECT_EQ(PlatformRank(v2, {"linux", "amd64", "v2"}), 2);
  EXPECT_EQ(PlatformRank(v2, {"linux", "amd64", "v3"}), std::nullopt);
  EXPECT_EQ(PlatformRank(v2, {"linux", "arm64", ""}), std::nullopt);
  EXPECT_EQ(PlatformRank(v2, {"windows", "amd64", ""}), std::nullopt);
  const Platform arm{"linux", "arm", "v7"};
  EXPECT_EQ(PlatformRank(arm, {"linux", "arm", "v6"}), 6);
  EXPECT_EQ(PlatformRank(arm, {"linux", "arm", ""}), 7);
  const Platform arm64{"linux", "arm64", ""};
  EXPECT_EQ(PlatformRank(arm64, {"linux", "arm64", "v8"}), 8);
  EXPECT_EQ(PlatformRank(v2, {"unknown", "unknown", ""}), std::nullopt);
  EXPECT_EQ(PlatformRank(v2, {"linux", "amd64", "odd"}), std::nullopt);
}

TEST(ChainIdTest, FollowsTheSpecification) {
  const std::string a = "sha256:" + std::string(64, 'a');
  const std::string b = "sha256:" + std::string(64, 'b');
  EXPECT_EQ(ChainId({}), "");
  EXPECT_EQ(ChainId({a}), a);
  // printf '%s %s' sha256:aaa… sha256:bbb… | sha256sum
  EXPECT_EQ(ChainId({a, b}),
            "sha256:ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c");
  EXPECT_EQ(ChainId({a, b, a}),
            "sha256:406364a4bd8d39df8107071d4494fa73814420337124657ec5999b072e5d3352");
}

}  // namespace
}  // namespace vortex::client::importing
