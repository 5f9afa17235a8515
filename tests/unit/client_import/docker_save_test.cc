// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "base/status.h"
#include "client/import/media_types.h"
#include "client/import/plan.h"
#include "unit/client_import/image_fixture.h"

namespace vortex::client::importing {
namespace {

using test::Files;
using test::Json;
using test::MakeTar;
using ::testing::HasSubstr;

class DockerSaveTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::vector<PlannedImage>> PlanTar(const std::string& tar,
                                                    const std::string& name = "") {
    const std::string path = dir_ / "save.tar";
    test::WriteFile(path, tar);
    auto archive = Archive::Open(path, nullptr);
    if (!archive.ok()) return archive.status();
    return PlanImport(**archive, name, nullptr);
  }
  std::string Refusal(const Files& files, const std::string& name = "") {
    const auto plan = PlanTar(MakeTar(files), name);
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument) << plan.status();
    return std::string(Message(plan.status()));
  }
  test::TempDir dir_;
};

const std::string kLayer = MakeTar(Files{{"hello", "hello\n"}});

TEST_F(DockerSaveTest, MakesTheManifestThatIsNotThere) {
  const auto plan = PlanTar(MakeTar(
      test::MakeDockerSave({kLayer, kLayer}, {"alpine:3", "docker.io/library/alpine:3", "b"})));
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->size(), 2u);
  EXPECT_EQ((*plan)[0].name, "docker.io/library/alpine:3");
  EXPECT_EQ((*plan)[1].name, "docker.io/library/b:latest");
  const PlannedImage& image = plan->front();
  EXPECT_EQ(image.target.digest, image.manifest.digest);
  EXPECT_EQ(image.diff_ids.size(), 2u);
  ASSERT_EQ(image.layers.size(), 2u);
  EXPECT_EQ(image.layers[0].digest, base::Sha256::Digest(kLayer));
  EXPECT_EQ(image.layers[0].media_type, kDockerLayer);
  ASSERT_EQ(image.blobs.size(), 3u);  // the two layers are one blob
  const PlannedBlob& manifest = image.blobs.back();
  EXPECT_EQ(base::Sha256::Digest(manifest.bytes), manifest.descriptor.digest);
  EXPECT_EQ(manifest.labels.count("containerd.io/gc.ref.content.l.1"), 1u);
  EXPECT_TRUE(ParseManifest(manifest.bytes, "m").ok());
}

TEST_F(DockerSaveTest, FollowsTheLinksOfOlderDockers) {
  Files files = test::MakeDockerSave({kLayer, kLayer}, {"a:1"});
  std::vector<test::TarItem> items;
  for (const auto& [name, data] : files) {
    if (name == "layer1/layer.tar") {
      items.push_back({name, "", '2', "../layer0/layer.tar"});
    } else {
      items.push_back({name, data, '0', ""});
    }
  }
  const auto plan = PlanTar(MakeTar(items));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->front().layers[1].digest, base::Sha256::Digest(kLayer));
}

TEST_F(DockerSaveTest, SeesCompressedLayers) {
  Files files = test::MakeDockerSave({kLayer}, {"a:1"});
  files["layer0/layer.tar"] = test::Gzip(kLayer);
  auto plan = PlanTar(MakeTar(files));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->front().layers[0].media_type, std::string(kDockerLayer) + ".gzip");
}

TEST_F(DockerSaveTest, TakesAName) {
  const auto plan = PlanTar(MakeTar(test::MakeDockerSave({kLayer}, {})), "example.com/a:1");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->front().name, "example.com/a:1");
  EXPECT_THAT(Refusal(test::MakeDockerSave({kLayer}, {})),
              HasSubstr("RepoTags: the image has no name; pass one"));
  EXPECT_THAT(Refusal(test::MakeDockerSave({kLayer}, {"a b"})), HasSubstr("RepoTags"));
}

TEST_F(DockerSaveTest, NamesTheFieldThatIsWrong) {
  const Files good = test::MakeDockerSave({kLayer}, {"a:1"});
  Files files = good;
  files.erase("layer0/layer.tar");
  EXPECT_THAT(Refusal(files),
              HasSubstr("manifest.json: [0].Layers[0]: \"layer0/layer.tar\" is not in"));
  files = good;
  files["layer0/layer.tar"] = "";
  EXPECT_THAT(Refusal(files), HasSubstr("[0].Layers[0]: layer is an empty file"));
  files = good;
  files.erase("config.json");
  EXPECT_THAT(Refusal(files), HasSubstr("[0].Config"));
  files = good;
  files["manifest.json"] = R"([{"Config":"../../etc/passwd","Layers":[]}])";
  EXPECT_THAT(Refusal(files), HasSubstr("\"..\""));
  files["manifest.json"] = R"([{"Config":"/etc/passwd","Layers":[]}])";
  EXPECT_THAT(Refusal(files), HasSubstr("absolute"));
  files["manifest.json"] = R"([{"Layers":[]}])";
  EXPECT_THAT(Refusal(files), HasSubstr("[0].Config: missing"));
  files["manifest.json"] = "{}";
  EXPECT_THAT(Refusal(files), HasSubstr("must be an array"));
  files["manifest.json"] = "[]";
  EXPECT_THAT(Refusal(files), HasSubstr("it has nothing"));
  files = good;
  files["config.json"] = "{}";
  EXPECT_THAT(Refusal(files), HasSubstr("os: missing"));
}

}  // namespace
}  // namespace vortex::client::importing
