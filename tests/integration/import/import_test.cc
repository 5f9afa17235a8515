// SPDX-License-Identifier: Apache-2.0
// Imports that go well, against a real containerd.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "client/import/media_types.h"
#include "integration/import/import_fixture.h"

namespace vortex::test {
namespace {

using client::ImportImage;
using client::ImportOptions;
using ::testing::IsEmpty;

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

bool Exists(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

// Three layers, one of each compression, with a whiteout of a file and of a directory's content.
Layout ThreeLayers() {
  Layout layout;
  const std::string base = MakeTar({{"etc/", "", '5', ""},
                                    {"etc/keep", "base", '0', ""},
                                    {"etc/gone", "base", '0', ""},
                                    {"opaque/", "", '5', ""},
                                    {"opaque/old", "base", '0', ""}});
  const std::string middle =
      MakeTar({{"etc/", "", '5', ""}, {"etc/.wh.gone", "", '0', ""}, {"etc/keep", "new", '0', ""}});
  const std::string top = MakeTar({{"opaque/", "", '5', ""},
                                   {"opaque/.wh..wh..opq", "", '0', ""},
                                   {"opaque/new", "top", '0', ""}});
  layout.List(layout.AddImage({{base, "gzip"}, {middle, "zstd"}, {top, ""}},
                              {{"Env", {"A=1"}}, {"Cmd", {"/bin/x"}}, {"WorkingDir", "/etc"}}),
              "example.com/three:1");
  return layout;
}

TEST_F(ImportTest, UnpacksPlainGzipAndZstdLayersWithWhiteouts) {
  Start();
  const auto imported = ImportImage(*client_, Directory(ThreeLayers().Build()), {});
  ASSERT_TRUE(imported.ok()) << imported.status();
  ASSERT_EQ(imported->size(), 1u);
  EXPECT_EQ(imported->front().name, "example.com/three:1");
  WithSnapshot(*client_, imported->front().chain_id, [](const std::string& root) {
    EXPECT_EQ(ReadText(root + "/etc/keep"), "new");
    EXPECT_FALSE(Exists(root + "/etc/gone"));
    EXPECT_EQ(ReadText(root + "/opaque/new"), "top");
    EXPECT_FALSE(Exists(root + "/opaque/old"));
  });
  const auto config = client::ReadImageConfig(*client_, "example.com/three:1");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->env, std::vector<std::string>{"A=1"});
  EXPECT_EQ(config->working_dir, "/etc");
  EXPECT_EQ(client::ChainId(config->diff_ids), imported->front().chain_id);
  EXPECT_EQ(config->manifest_digest, imported->front().target.digest);
  EXPECT_THAT(Take(*client_).leases, IsEmpty());
}

TEST_F(ImportTest, ReadsEveryShapeOfArchive) {
  Start();
  const Files files = ThreeLayers().Build();
  const std::string tar = MakeTar(files);
  WriteFile(dir_ / "i.tar", tar);
  WriteFile(dir_ / "i.tar.gz", Gzip(tar));
  WriteFile(dir_ / "i.tar.zst", Zstd(tar));
  std::string chain_id;
  for (const std::string& path :
       {dir_ / "i.tar.gz", dir_ / "i.tar.zst", dir_ / "i.tar", Directory(files)}) {
    const auto imported = ImportImage(*client_, path, {});
    ASSERT_TRUE(imported.ok()) << path << ": " << imported.status();
    if (chain_id.empty()) chain_id = imported->front().chain_id;
    EXPECT_EQ(imported->front().chain_id, chain_id);
  }
  EXPECT_EQ(Take(*client_).snapshots.size(), 3u);
}

TEST_F(ImportTest, ContainerdsOwnToolFindsTheImageWhole) {
  if (::access("/usr/bin/ctr", X_OK) != 0) GTEST_SKIP() << "ctr is not installed";
  Start();
  ASSERT_TRUE(ImportImage(*client_, Directory(ThreeLayers().Build()), {}).ok());
  const std::string out = dir_ / "check";
  const std::string command =
      "ctr -a " + containerd_->address() + " -n import-test images check >" + out + " 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << ReadText(out);
  // REF TYPE DIGEST STATUS SIZE UNPACKED: config and three layers there, unpacked.
  EXPECT_THAT(ReadText(out),
              ::testing::ContainsRegex("example.com/three:1 .* complete \\(4/4\\) .* true"));
}

TEST_F(ImportTest, ReadsDockerSave) {
  Start();
  const std::string layer = MakeTar(Files{{"hello", "docker"}});
  WriteFile(dir_ / "save.tar",
            MakeTar(MakeDockerSave({layer}, {"busybox:1"}, {{"Entrypoint", {"/hello"}}})));
  const auto imported = ImportImage(*client_, dir_ / "save.tar", {});
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->front().name, "docker.io/library/busybox:1");
  WithSnapshot(*client_, imported->front().chain_id,
               [](const std::string& root) { EXPECT_EQ(ReadText(root + "/hello"), "docker"); });
  const auto config = client::ReadImageConfig(*client_, "docker.io/library/busybox:1");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->entrypoint, std::vector<std::string>{"/hello"});
}

TEST_F(ImportTest, KeepsEverythingFromTheCollectorUntilTheImageGoes) {
  Start();
  // An index on top, so that every kind of reference is there.
  Layout layout = ThreeLayers();
  Json manifest = layout.index["manifests"][0];
  manifest.erase("annotations");
  Layout nested;
  nested.files = layout.files;
  nested.List(
      nested.AddBlob(client::importing::kOciIndex,
                     Json{{"schemaVersion", 2}, {"manifests", Json::array({manifest})}}.dump()),
      "example.com/nested:1");
  ASSERT_TRUE(ImportImage(*client_, Directory(nested.Build()), {}).ok());
  ASSERT_TRUE(ImportImage(*client_, Directory(SmallLayout().Build()), {}).ok());
  ASSERT_TRUE(client_->images().Delete("example.com/test:1", true).ok());
  Collect(*client_);
  const Inventory kept = Take(*client_);
  EXPECT_EQ(kept.content.size(), 6u);  // index, manifest, config, three layers
  EXPECT_EQ(kept.snapshots.size(), 3u);
  const auto chain_id = client::UnpackImage(*client_, "example.com/nested:1", {});
  ASSERT_TRUE(chain_id.ok()) << chain_id.status();
  EXPECT_EQ(kept.snapshots.count(*chain_id), 1u);

  ASSERT_TRUE(client_->images().Delete("example.com/nested:1", true).ok());
  const Inventory gone = Take(*client_);
  EXPECT_THAT(gone.content, IsEmpty());
  EXPECT_THAT(gone.snapshots, IsEmpty());
  EXPECT_THAT(gone.leases, IsEmpty());
}

TEST_F(ImportTest, AddsReferencesToBlobsThatWereThere) {
  Start();
  const Files files = SmallLayout().Build();
  ASSERT_TRUE(client_->leases().Create("other").ok());
  for (const auto& [name, data] : files) {
    if (name.rfind("blobs/", 0) != 0) continue;
    const std::string bytes = data;
    const auto source = [&bytes](std::int64_t offset, char* buffer,
                                 std::size_t size) -> absl::StatusOr<std::size_t> {
      return bytes.copy(buffer, size, static_cast<std::size_t>(offset));
    };
    client::WriteContentRequest request;
    request.ref = name;
    request.digest = "sha256:" + name.substr(name.rfind('/') + 1);
    request.size = static_cast<std::int64_t>(bytes.size());
    client::CallOptions call;
    call.lease = "other";
    ASSERT_TRUE(client_->content().Write(request, source, call).ok());
  }
  const auto imported = ImportImage(*client_, Directory(files), {});
  ASSERT_TRUE(imported.ok()) << imported.status();
  ASSERT_TRUE(client_->leases().Delete("other", true).ok());
  EXPECT_EQ(Take(*client_).content.size(), 3u);
}

TEST_F(ImportTest, UnpacksLaterAndOnlyOnce) {
  Start();
  ImportOptions options;
  options.unpack = false;
  const auto imported = ImportImage(*client_, Directory(ThreeLayers().Build()), options);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->front().chain_id, "");
  EXPECT_THAT(Take(*client_).snapshots, IsEmpty());

  int steps = 0;
  options.on_progress = [&steps](const client::ImportProgress&) { ++steps; };
  const auto first = client::UnpackImage(*client_, "example.com/three:1", options);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(steps, 6);
  Collect(*client_);
  const auto second = client::UnpackImage(*client_, "example.com/three:1", options);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(steps, 6) << "the second call unpacked again";
  EXPECT_EQ(Take(*client_).snapshots.size(), 3u);
  EXPECT_THAT(Take(*client_).leases, IsEmpty());
  EXPECT_TRUE(
      absl::IsNotFound(client::UnpackImage(*client_, "example.com/nothing:1", {}).status()));
  EXPECT_TRUE(
      absl::IsNotFound(client::ReadImageConfig(*client_, "example.com/nothing:1").status()));
}

TEST_F(ImportTest, ManyClientsImportTheSameImageAtOnce) {
  Start();
  Layout layout;
  layout.List(layout.AddImage({{MakeTar(Files{{"a", RandomBytes(24u << 20, 1)}}), ""},
                               {MakeTar(Files{{"b", RandomBytes(4u << 20, 2)}}), "gzip"}}),
              "example.com/big:1");
  const std::string path = Directory(layout.Build());
  std::vector<absl::StatusOr<std::vector<client::ImportedImage>>> results(
      4, absl::StatusOr<std::vector<client::ImportedImage>>(absl::UnknownError("not run")));
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([this, &path, &result] {
      const auto own = Connect();
      result = ImportImage(*own, path, {});
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) {
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->front().chain_id, results.front()->front().chain_id);
  }
  Collect(*client_);
  const Inventory left = Take(*client_);
  EXPECT_EQ(left.content.size(), 4u);
  EXPECT_EQ(left.snapshots.size(), 2u);
  EXPECT_THAT(left.ingests, IsEmpty());
  EXPECT_THAT(left.leases, IsEmpty());
}

TEST_F(ImportTest, ManyClientsUnpackTheSameImageAtOnce) {
  Start();
  ImportOptions options;
  options.unpack = false;
  ASSERT_TRUE(ImportImage(*client_, Directory(ThreeLayers().Build()), options).ok());
  std::vector<std::thread> threads;
  std::vector<absl::Status> results(8, absl::UnknownError("not run"));
  for (absl::Status& result : results) {
    threads.emplace_back([this, &result] {
      result = client::UnpackImage(*client_, "example.com/three:1", {}).status();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& result : results) EXPECT_TRUE(result.ok()) << result;
  Collect(*client_);
  EXPECT_EQ(Take(*client_).snapshots.size(), 3u);
}

}  // namespace
}  // namespace vortex::test
