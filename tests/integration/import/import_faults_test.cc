// SPDX-License-Identifier: Apache-2.0
// Imports that fail: the right error, and nothing left of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cstdlib>

#include "base/status.h"
#include "client/import/media_types.h"
#include "integration/import/import_fixture.h"

namespace vortex::test {
namespace {

using client::ImportImage;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kMiB = 1u << 20;

void ExpectNothingLeft(client::Client& client) {
  const Inventory left = Take(client);
  EXPECT_THAT(left.content, IsEmpty());
  EXPECT_THAT(left.snapshots, IsEmpty());
  EXPECT_THAT(left.ingests, IsEmpty());
  EXPECT_THAT(left.leases, IsEmpty());
  EXPECT_THAT(left.images, IsEmpty());
}

TEST_F(ImportTest, SaysThatTheDiskIsFullForALayer) {
  Start(8);
  Layout layout;
  layout.List(layout.AddImage({{MakeTar(Files{{"a", RandomBytes(1 * kMiB, 4)}}), ""},
                               {MakeTar(Files{{"b", RandomBytes(16 * kMiB, 5)}}), ""}}),
              "example.com/big:1");
  const auto imported = ImportImage(*client_, Directory(layout.Build()), {});
  EXPECT_EQ(imported.status().code(), absl::StatusCode::kResourceExhausted) << imported.status();
  EXPECT_THAT(std::string(Message(imported.status())),
              AllOf(HasSubstr("import example.com/big:1: write blob sha256:"),
                    HasSubstr(containerd_->root_dir()), HasSubstr("no space left on device")));
  ExpectNothingLeft(*client_);
  // The space is there again.
  const auto small = ImportImage(*client_, Directory(SmallLayout().Build()), {});
  EXPECT_TRUE(small.ok()) << small.status();
}

TEST_F(ImportTest, SaysThatTheDiskIsFullForAnUnpack) {
  Start(8);
  Layout layout;
  layout.List(layout.AddImage({{MakeTar(Files{{"a", "first"}}), ""},
                               {MakeTar(Files{{"zeros", std::string(16 * kMiB, '\0')}}), "gzip"}}),
              "example.com/big:1");
  const auto imported = ImportImage(*client_, Directory(layout.Build()), {});
  EXPECT_EQ(imported.status().code(), absl::StatusCode::kResourceExhausted) << imported.status();
  EXPECT_THAT(std::string(Message(imported.status())),
              AllOf(HasSubstr("unpack layer sha256:"), HasSubstr("no space left on device")));
  ExpectNothingLeft(*client_);
}

TEST_F(ImportTest, SaysThatTheTemporaryDirectoryIsFull) {
  Start();
  Layout layout;
  layout.List(layout.AddImage({{MakeTar(Files{{"a", RandomBytes(4 * kMiB, 7)}}), ""}}),
              "example.com/big:1");
  WriteFile(dir_ / "i.tar.gz", Gzip(MakeTar(layout.Build())));
  const TempDir small;
  ASSERT_EQ(::mount("tmpfs", small.path().c_str(), "tmpfs", 0, "size=1m"), 0);
  ::setenv("TMPDIR", small.path().c_str(), 1);
  const auto imported = ImportImage(*client_, dir_ / "i.tar.gz", {});
  ::unsetenv("TMPDIR");
  EXPECT_EQ(::umount2(small.path().c_str(), 0), 0);
  EXPECT_EQ(imported.status().code(), absl::StatusCode::kResourceExhausted) << imported.status();
  EXPECT_THAT(std::string(Message(imported.status())), HasSubstr(small.path()));
  ExpectNothingLeft(*client_);
}

TEST_F(ImportTest, RefusesADamagedLayer) {
  Start();
  Layout layout;
  layout.List(layout.AddImage({{MakeTar(Files{{"a", RandomBytes(2 * kMiB, 6)}}), ""}}),
              "example.com/big:1");
  Files files = layout.Build();
  for (auto& [name, data] : files) {
    if (data.size() > kMiB) data[kMiB] = static_cast<char>(data[kMiB] ^ 1);
  }
  const auto imported = ImportImage(*client_, Directory(files), {});
  EXPECT_EQ(imported.status().code(), absl::StatusCode::kFailedPrecondition) << imported.status();
  EXPECT_THAT(std::string(Message(imported.status())),
              HasSubstr("is damaged: its bytes have the digest"));
  ExpectNothingLeft(*client_);
}

TEST_F(ImportTest, RefusesALayerThatUnpacksToSomethingElse) {
  Start();
  Layout layout;
  const Json config = layout.AddBlob(
      client::importing::kOciConfig,
      Json{{"os", "linux"},
           {"architecture", HostArchitecture()},
           {"rootfs", {{"type", "layers"}, {"diff_ids", {"sha256:" + std::string(64, 'e')}}}}}
          .dump());
  const Json layer = layout.AddBlob(client::importing::kOciLayer, MakeTar(Files{{"a", "b"}}));
  layout.List(
      layout.AddBlob(
          client::importing::kOciManifest,
          Json{{"schemaVersion", 2}, {"config", config}, {"layers", Json::array({layer})}}.dump()),
      "example.com/lie:1");
  const auto imported = ImportImage(*client_, Directory(layout.Build()), {});
  EXPECT_EQ(imported.status().code(), absl::StatusCode::kFailedPrecondition) << imported.status();
  EXPECT_THAT(std::string(Message(imported.status())),
              HasSubstr("but the image's config says sha256:eeee"));
  ExpectNothingLeft(*client_);
}

TEST_F(ImportTest, RefusesALayerThatIsNoTar) {
  Start();
  Layout layout;
  layout.List(layout.AddImage({{"this is no tar archive, whatever its type says", ""}}),
              "example.com/bad:1");
  const auto imported = ImportImage(*client_, Directory(layout.Build()), {});
  EXPECT_FALSE(imported.ok());
  EXPECT_THAT(std::string(Message(imported.status())), HasSubstr("import example.com/bad:1"));
  ExpectNothingLeft(*client_);
}

TEST_F(ImportTest, NamesAnUnknownSnapshotter) {
  Start();
  client::ImportOptions options;
  options.snapshotter = "nonsense";
  const auto imported = ImportImage(*client_, Directory(SmallLayout().Build()), options);
  EXPECT_THAT(std::string(Message(imported.status())), HasSubstr("nonsense")) << imported.status();
  ExpectNothingLeft(*client_);
}

}  // namespace
}  // namespace vortex::test
