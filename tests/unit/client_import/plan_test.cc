// SPDX-License-Identifier: Apache-2.0
#include "client/import/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "client/import/limits.h"
#include "client/import/media_types.h"
#include "unit/client_import/image_fixture.h"

namespace vortex::client::importing {
namespace {

using test::Files;
using test::Json;
using test::Layout;
using test::MakeTar;
using test::TempDir;
using test::WriteFile;
using test::WriteTree;
using ::testing::AllOf;
using ::testing::HasSubstr;

class PlanTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::vector<PlannedImage>> Plan(const Files& files, const std::string& name = "") {
    const std::string path = dir_ / ("layout" + std::to_string(count_++));
    WriteTree(path, files);
    auto archive = Archive::Open(path, nullptr);
    if (!archive.ok()) return archive.status();
    return PlanImport(**archive, name, nullptr);
  }
  std::string Refusal(const Files& files, const std::string& name = "",
                      absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    const auto plan = Plan(files, name);
    EXPECT_EQ(plan.status().code(), code) << plan.status();
    return std::string(Message(plan.status()));
  }
  static std::string PathOf(const Json& descriptor) {
    return "blobs/sha256/" + descriptor["digest"].get<std::string>().substr(7);
  }

  TempDir dir_;
  int count_ = 0;
};

const std::vector<Layout::Layer> kOneLayer{{MakeTar(Files{{"hello", "hello\n"}}), ""}};

TEST_F(PlanTest, OrdersChildrenBeforeParentsWithReferences) {
  Layout layout;
  const Json manifest =
      layout.AddImage({{MakeTar(Files{{"a", "1"}}), "gzip"}, {MakeTar(Files{{"b", "2"}}), "zstd"}});
  const Json index = layout.AddBlob(
      kOciIndex,
      Json{{"schemaVersion", 2}, {"mediaType", kOciIndex}, {"manifests", Json::array({manifest})}}
          .dump());
  layout.List(index, "example.com/a:1");
  const auto plan = Plan(layout.Build());
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->size(), 1u);
  const PlannedImage& image = plan->front();
  EXPECT_EQ(image.name, "example.com/a:1");
  EXPECT_EQ(image.target.digest, index["digest"].get<std::string>());
  EXPECT_EQ(image.manifest.digest, manifest["digest"].get<std::string>());
  ASSERT_EQ(image.blobs.size(), 5u);  // config, two layers, manifest, index
  EXPECT_TRUE(image.blobs[1].is_layer);
  EXPECT_EQ(image.blobs[3].labels.at("containerd.io/gc.ref.content.config"),
            image.blobs[0].descriptor.digest);
  EXPECT_EQ(image.blobs[3].labels.at("containerd.io/gc.ref.content.l.0"),
            image.blobs[1].descriptor.digest);
  EXPECT_EQ(image.blobs[3].labels.at("containerd.io/gc.ref.content.l.1"),
            image.blobs[2].descriptor.digest);
  ASSERT_EQ(image.blobs[4].labels.size(), 1u);
  EXPECT_EQ(image.blobs[4].labels.begin()->second, image.manifest.digest);
  EXPECT_EQ(image.diff_ids.size(), 2u);
}

TEST_F(PlanTest, PicksThisMachinesPlatform) {
  Layout layout;
  Json other = layout.AddImage(kOneLayer, {}, "mips64le");
  other["platform"] = {{"os", "linux"}, {"architecture", "mips64le"}};
  Json mine = layout.AddImage(kOneLayer, {{"Env", {"MINE=1"}}});
  mine["platform"] = {{"os", "linux"}, {"architecture", test::HostArchitecture()}};
  Json attestation = layout.AddImage({}, {}, "unknown");
  attestation["platform"] = {{"os", "unknown"}, {"architecture", "unknown"}};
  const Json unknown{
      {"mediaType", "application/x-unknown"}, {"digest", mine["digest"]}, {"size", 1}};
  // The other platform's blobs need not be there at all.
  layout.files.erase(PathOf(other));
  layout.List(layout.AddBlob(kOciIndex,
                             Json{{"schemaVersion", 2},
                                  {"manifests", Json::array({other, attestation, unknown, mine})}}
                                 .dump()),
              "example.com/a:1");
  const auto plan = Plan(layout.Build());
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->front().manifest.digest, mine["digest"].get<std::string>());
}

TEST_F(PlanTest, FindsThePlatformInTheConfigToo) {
  Layout layout;
  layout.List(layout.AddImage(kOneLayer, {}, "mips64le"));
  layout.List(layout.AddImage(kOneLayer));
  const auto plan = Plan(layout.Build(), "example.com/b:1");
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->size(), 1u);
  EXPECT_EQ(plan->front().name, "example.com/b:1");
}

TEST_F(PlanTest, SaysWhichPlatformsThereAre) {
  Layout layout;
  layout.List(layout.AddImage(kOneLayer, {}, "mips64le"), "example.com/a:1");
  EXPECT_THAT(Refusal(layout.Build()),
              AllOf(HasSubstr("no image for linux/" + test::HostArchitecture()),
                    HasSubstr("linux/mips64le")));
  EXPECT_THAT(Refusal(Layout().Build()), HasSubstr("index.json lists nothing"));
}

TEST_F(PlanTest, NamesImages) {
  Layout layout;
  const Json image = layout.AddImage(kOneLayer);
  const Json second = layout.AddImage(kOneLayer, {{"Env", {"X=1"}}});
  const auto list = [&](const Json& descriptor, const char* key, const char* value) {
    Json named = descriptor;
    named["annotations"][key] = value;
    layout.index["manifests"].push_back(named);
  };
  list(image, "io.containerd.image.name", "example.com/a:1");
  list(image, "org.opencontainers.image.ref.name", "example.com/b:1");
  list(second, "org.opencontainers.image.ref.name", "example.com/c:1");
  const auto plan = Plan(layout.Build());
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->size(), 3u);
  EXPECT_EQ((*plan)[0].target.digest, (*plan)[1].target.digest);
  EXPECT_EQ((*plan)[2].name, "example.com/c:1");
  EXPECT_THAT(Refusal(layout.Build(), "example.com/d:1"),
              HasSubstr("several images for the one name"));
}

TEST_F(PlanTest, AsksForANameWhenThereIsNone) {
  Layout layout;
  Json image = layout.AddImage(kOneLayer);
  image["annotations"]["org.opencontainers.image.ref.name"] = "latest";
  layout.List(image);
  EXPECT_THAT(Refusal(layout.Build()), HasSubstr("has no full name"));
  EXPECT_THAT(Refusal(layout.Build()), HasSubstr("pass a name"));
  const auto plan = Plan(layout.Build(), "mine:1");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->front().name, "mine:1");
  EXPECT_THAT(Refusal(layout.Build(), "two words"), HasSubstr("image name \"two words\""));
}

TEST_F(PlanTest, RefusesDamagedAndMissingBlobs) {
  Layout layout;
  const Json image = layout.AddImage(kOneLayer);
  layout.List(image, "example.com/a:1");
  const Files good = layout.Build();
  ASSERT_TRUE(Plan(good).ok());

  Files files = good;
  files[PathOf(image)].back() = ' ';
  EXPECT_THAT(Refusal(files, "", absl::StatusCode::kFailedPrecondition),
              AllOf(HasSubstr("manifest sha256:"), HasSubstr("damaged")));
  files = good;
  files[PathOf(image)] += " ";
  EXPECT_THAT(Refusal(files), HasSubstr("its descriptor says"));
  files = good;
  files.erase(PathOf(image));
  EXPECT_THAT(Refusal(files), HasSubstr("is not in the archive"));

  const Json manifest = Json::parse(good.at(PathOf(image)));
  files = good;
  files.erase(PathOf(manifest["layers"][0]));
  EXPECT_THAT(Refusal(files), HasSubstr("layers[0]"));
  files = good;
  files[PathOf(manifest["layers"][0])] += "x";
  EXPECT_THAT(Refusal(files), AllOf(HasSubstr("layers[0]"), HasSubstr("its descriptor says")));
  files = good;
  files.erase(PathOf(manifest["config"]));
  EXPECT_THAT(Refusal(files), HasSubstr("config sha256:"));
}

TEST_F(PlanTest, RefusesWhatIsNoImageArchive) {
  EXPECT_THAT(Refusal({{"readme", "x"}}), HasSubstr("not an image archive"));
  EXPECT_THAT(Refusal({{"index.json", "{}"}}), HasSubstr("not an image archive"));
  EXPECT_THAT(Refusal({{"oci-layout", R"({"imageLayoutVersion":"1.0.0"})"}}),
              HasSubstr("no \"index.json\""));
  EXPECT_THAT(Refusal({{"oci-layout", R"({"imageLayoutVersion":"9.0.0"})"}}),
              HasSubstr("imageLayoutVersion"));
  WriteFile(dir_ / "empty.tar", test::TarEnd());
  const auto archive = Archive::Open(dir_ / "empty.tar", nullptr);
  ASSERT_TRUE(archive.ok());
  EXPECT_THAT(std::string(Message(PlanImport(**archive, "", nullptr).status())),
              HasSubstr("not an image archive"));
}

TEST_F(PlanTest, RefusesUnknownLayersAndMismatchedDiffIds) {
  Layout layout;
  const Json config =
      layout.AddBlob(kOciConfig, Json{{"os", "linux"},
                                      {"architecture", test::HostArchitecture()},
                                      {"rootfs", {{"type", "layers"}, {"diff_ids", Json::array()}}}}
                                     .dump());
  const auto refusal = [&](const char* layer_type) {
    Layout copy = layout;
    const Json layer = copy.AddBlob(layer_type, "data");
    copy.List(copy.AddBlob(
                  kOciManifest,
                  Json{{"schemaVersion", 2}, {"config", config}, {"layers", Json::array({layer})}}
                      .dump()),
              "example.com/a:1");
    return Refusal(copy.Build());
  };
  EXPECT_THAT(refusal("application/x-layer"),
              HasSubstr("layers[0].mediaType: layer type application/x-layer"));
  EXPECT_THAT(refusal(kOciLayer), HasSubstr("has 1 layers but its config"));
}

TEST_F(PlanTest, PassesOverArtifacts) {
  Layout layout;
  const Json empty = layout.AddBlob("application/vnd.example.chart", "{}");
  layout.List(layout.AddBlob(
      kOciManifest,
      Json{{"schemaVersion", 2}, {"config", empty}, {"layers", Json::array()}}.dump()));
  EXPECT_THAT(Refusal(layout.Build()), HasSubstr("artifact application/vnd.example.chart"));
  layout.List(layout.AddImage(kOneLayer), "example.com/a:1");
  EXPECT_TRUE(Plan(layout.Build()).ok());
}

TEST_F(PlanTest, RefusesIndexesTooDeep) {
  Layout layout;
  Json inner = layout.AddImage(kOneLayer);
  for (int i = 0; i < kMaxIndexDepth; ++i) {
    inner = layout.AddBlob(kOciIndex,
                           Json{{"schemaVersion", 2}, {"manifests", Json::array({inner})}}.dump());
  }
  Layout deep = layout;
  layout.List(inner, "example.com/a:1");
  EXPECT_TRUE(Plan(layout.Build()).ok());
  deep.List(deep.AddBlob(kOciIndex,
                         Json{{"schemaVersion", 2}, {"manifests", Json::array({inner})}}.dump()),
            "example.com/a:1");
  EXPECT_THAT(Refusal(deep.Build()), HasSubstr("deep"));
}

TEST_F(PlanTest, RefusesACyclicIndex) {
  // A blob cannot hold its own digest, so a cycle is always one damaged blob.
  Layout layout;
  const std::string digest = "sha256:" + std::string(64, 'a');
  Json self{{"mediaType", kOciIndex}, {"digest", digest}, {"size", 0}};
  std::string text;
  for (int i = 0; i < 3; ++i) {  // until the size in it fits
    self["size"] = text.size();
    text = Json{{"schemaVersion", 2}, {"manifests", Json::array({self})}}.dump();
  }
  layout.files["blobs/sha256/" + digest.substr(7)] = text;
  layout.List(self, "example.com/a:1");
  EXPECT_THAT(Refusal(layout.Build(), "", absl::StatusCode::kFailedPrecondition),
              HasSubstr("damaged"));
}

TEST_F(PlanTest, LimitsTheWorkOfWideIndexes) {
  // Four levels of an index that lists its child 200 times: 1.6 thousand million visits.
  Layout layout;
  Json inner = layout.AddImage(kOneLayer, {}, "mips64le");
  for (int i = 0; i < 4; ++i) {
    Json list = Json::array();
    for (int n = 0; n < 200; ++n) list.push_back(inner);
    inner = layout.AddBlob(kOciIndex, Json{{"schemaVersion", 2}, {"manifests", list}}.dump());
  }
  layout.List(inner, "example.com/a:1");
  EXPECT_THAT(Refusal(layout.Build()), HasSubstr("more than"));
}

TEST_F(PlanTest, StopsWhenCancelled) {
  WriteTree(dir_ / "layout", test::SmallLayout().Build());
  const auto archive = Archive::Open(dir_ / "layout", nullptr);
  ASSERT_TRUE(archive.ok());
  base::Cancellation cancel;
  cancel.Cancel();
  EXPECT_TRUE(absl::IsCancelled(PlanImport(**archive, "", &cancel).status()));
}

}  // namespace
}  // namespace vortex::client::importing
