// SPDX-License-Identifier: Apache-2.0
#include "client/import/json_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "client/import/limits.h"
#include "unit/client_import/image_fixture.h"

namespace vortex::client::importing {
namespace {

using test::Json;
using ::testing::HasSubstr;

std::string IndexRefusal(const std::string& text) {
  const auto index = ParseIndex(text, "index.json");
  if (index.ok()) return "";
  EXPECT_EQ(index.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(Message(index.status()));
}

Json GoodDescriptor() {
  return {{"mediaType", "x/y"}, {"digest", "sha256:" + std::string(64, '0')}, {"size", 1}};
}

std::string IndexWith(const Json& descriptor) {
  return Json{{"schemaVersion", 2}, {"manifests", Json::array({descriptor})}}.dump();
}

TEST(JsonModelTest, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(IndexRefusal(IndexWith(GoodDescriptor())), "");
  Json bad = GoodDescriptor();
  bad.erase("digest");
  EXPECT_EQ(IndexRefusal(IndexWith(bad)), "index.json: manifests[0].digest: missing");
  bad["digest"] = "sha256:xyz";
  EXPECT_THAT(IndexRefusal(IndexWith(bad)),
              HasSubstr("manifests[0].digest: \"sha256:xyz\" is not"));
  bad = GoodDescriptor();
  bad["digest"] = "sha256:../../../../etc/passwd";
  EXPECT_THAT(IndexRefusal(IndexWith(bad)), HasSubstr("digest"));
  bad = GoodDescriptor();
  bad["size"] = -1;
  EXPECT_EQ(IndexRefusal(IndexWith(bad)), "index.json: manifests[0].size: must not be negative");
  bad["size"] = 1.5;
  EXPECT_EQ(IndexRefusal(IndexWith(bad)), "index.json: manifests[0].size: must be an integer");
  bad["size"] = 18'446'744'073'709'551'615u;
  EXPECT_EQ(IndexRefusal(IndexWith(bad)), "index.json: manifests[0].size: too large");
  bad = GoodDescriptor();
  bad["annotations"] = {{"a", 1}};
  EXPECT_EQ(IndexRefusal(IndexWith(bad)),
            "index.json: manifests[0].annotations.a: must be a string");
  EXPECT_EQ(IndexRefusal(IndexWith("text")), "index.json: manifests[0]: must be an object");
  EXPECT_EQ(IndexRefusal("[]"), "index.json: must be an object");
}

TEST(JsonModelTest, RefusesWhatIsNoJson) {
  EXPECT_THAT(IndexRefusal("{\"schemaVersion\": 2,"), HasSubstr("not valid JSON at byte"));
  EXPECT_THAT(IndexRefusal(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(IndexRefusal("{\"a\": \"\xff\xfe\"}"), HasSubstr("not valid JSON"));
}

TEST(JsonModelTest, RefusesDeepAndHugeDocuments) {
  EXPECT_THAT(IndexRefusal(std::string(1'000'000, '[')), HasSubstr("levels deep"));
  std::string nested;
  for (int i = 0; i < 100; ++i) nested += "{\"a\":";
  EXPECT_THAT(IndexRefusal(nested), HasSubstr("levels deep"));
  // Brackets inside a string are no nesting.
  Json fine = GoodDescriptor();
  fine["annotations"] = {{"a", std::string(200, '[') + "\\\""}};
  EXPECT_EQ(IndexRefusal(IndexWith(fine)), "");
  EXPECT_THAT(IndexRefusal(std::string(kMaxJsonBytes + 1, ' ')), HasSubstr("bytes, at most"));
  Json many = Json::array();
  for (std::size_t i = 0; i <= kMaxIndexEntries; ++i) many.push_back(1);
  EXPECT_THAT(IndexRefusal(Json{{"schemaVersion", 2}, {"manifests", many}}.dump()),
              HasSubstr("4097 elements"));
}

TEST(JsonModelTest, RefusesADocumentOfAnotherKind) {
  EXPECT_THAT(IndexRefusal(R"({"schemaVersion":1,"manifests":[]})"),
              HasSubstr("schemaVersion: is 1, must be 2"));
  EXPECT_THAT(IndexRefusal(R"({"schemaVersion":2})"), HasSubstr("manifests: missing"));
  EXPECT_THAT(IndexRefusal(R"({"schemaVersion":2,"manifests":[],"layers":[]})"),
              HasSubstr("layers: does not belong"));
  EXPECT_THAT(
      IndexRefusal(
          R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[]})"),
      HasSubstr("mediaType"));
}

TEST(JsonModelTest, ReadsAConfig) {
  const auto config =
      ParseConfig(R"({"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":
      null},"config":{"Env":["A=1"],"Cmd":["sh"],"Entrypoint":null,"WorkingDir":"/w","User":"1:2","Labels":{"k":"v"}}})",
                  "c");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->env, std::vector<std::string>{"A=1"});
  EXPECT_EQ(config->cmd, std::vector<std::string>{"sh"});
  EXPECT_TRUE(config->entrypoint.empty());
  EXPECT_EQ(config->working_dir, "/w");
  EXPECT_EQ(config->user, "1:2");
  EXPECT_EQ(config->labels.at("k"), "v");
  EXPECT_FALSE(ParseConfig(R"({"os":"linux","architecture":"amd64"})", "c").ok());
  EXPECT_FALSE(ParseConfig(R"({"os":"linux","rootfs":{"type":"layers"}})", "c").ok());
}

TEST(JsonModelTest, ChecksTheLayoutVersion) {
  EXPECT_TRUE(CheckOciLayout(R"({"imageLayoutVersion":"1.0.0"})", "l").ok());
  EXPECT_FALSE(CheckOciLayout(R"({"imageLayoutVersion":"2.0.0"})", "l").ok());
  EXPECT_FALSE(CheckOciLayout(R"({})", "l").ok());
}

}  // namespace
}  // namespace vortex::client::importing
