// SPDX-License-Identifier: Apache-2.0
#include "oci/canonical_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/oci/jobs.h"

namespace vortex::oci {
namespace {

using Json = nlohmann::json;

Spec DefaultSpec() { return BuildSpec(DefaultJob()).value(); }

// Every key of every object, in the order of the text.
void ExpectSortedKeys(const nlohmann::ordered_json& value) {
  std::string last;
  if (!value.is_structured()) return;
  for (const auto& [key, child] : value.items()) {
    if (value.is_object()) {
      EXPECT_LT(last, key);
      last = key;
    }
    ExpectSortedKeys(child);
  }
}

TEST(CanonicalJsonTest, KeysAreSorted) {
  ExpectSortedKeys(nlohmann::ordered_json::parse(ToCanonicalJson(DefaultSpec())));
}

TEST(CanonicalJsonTest, HasNoWhiteSpaceOutsideOfStrings) {
  const std::string text = ToCanonicalJson(DefaultSpec());
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) in_string = !in_string;
    if (!in_string) {
      EXPECT_EQ(std::string(" \t\r\n").find(text[i]), std::string::npos) << "at " << i;
    }
  }
}

TEST(CanonicalJsonTest, PrettyFormIsTheSameValue) {
  const Spec spec = DefaultSpec();
  EXPECT_EQ(Json::parse(ToPrettyJson(spec)), Json::parse(ToCanonicalJson(spec)));
  ExpectSortedKeys(nlohmann::ordered_json::parse(ToPrettyJson(spec)));
}

TEST(CanonicalJsonTest, EscapesAsRfc8785Wants) {
  Spec spec;
  spec.hostname = "\b\t\n\f\r\"\\/\x01\x1f\x7f\xc3\xa9\xf0\x9f\x98\x80";
  const std::string text = ToCanonicalJson(spec);
  // Short escapes where JSON has them, \u00xx in lower case for other control characters, all else
  // as it is.
  EXPECT_THAT(
      text, ::testing::HasSubstr("\"hostname\":\"\\b\\t\\n\\f\\r\\\"\\\\/\\u0001\\u001f\x7f\xc3\xa9"
                                 "\xf0\x9f\x98\x80\""));
}

TEST(CanonicalJsonTest, LeavesOutWhatHasNoValue) {
  const Json json = Json::parse(ToCanonicalJson(Spec{}));
  for (const char* field :
       {"devices", "maskedPaths", "readonlyPaths", "seccomp", "uidMappings", "gidMappings"}) {
    EXPECT_FALSE(json.at("linux").contains(field)) << field;
  }
  for (const char* field : {"pids", "unified"})
    EXPECT_FALSE(json.at("linux").at("resources").contains(field)) << field;
  EXPECT_FALSE(json.at("linux").at("resources").at("memory").contains("swap"));
  // "none" is a value: an absent set would be inherited.
  EXPECT_EQ(json.at("process").at("capabilities").size(), 5u);
  EXPECT_EQ(json.at("process").at("terminal"), false);
}

TEST(CanonicalJsonTest, NumbersAreExactInEveryReader) {
  // RFC 8785 numbers are doubles: above 2^53 two readers may disagree.
  JobConfig job = DefaultJob();
  job.limits.memory_bytes = job.limits.tmp_bytes = job.limits.fsize_bytes = std::int64_t{1} << 50;
  const std::string text = ToCanonicalJson(BuildSpec(job).value());
  EXPECT_THAT(text, ::testing::HasSubstr("\"limit\":1125899906842624"));
}

TEST(SpecDigestTest, IsStable) {
  EXPECT_EQ(SpecDigest(DefaultSpec()), SpecDigest(DefaultSpec()));
  EXPECT_THAT(SpecDigest(DefaultSpec()), ::testing::MatchesRegex("sha256:[0-9a-f]+"));
}

TEST(SpecDigestTest, ChangesWithEveryField) {
  const std::string base = SpecDigest(DefaultSpec());
  Spec spec = DefaultSpec();
  spec.process.no_new_privileges = false;
  EXPECT_NE(SpecDigest(spec), base);
  spec = DefaultSpec();
  spec.resources.memory_limit += 1;
  EXPECT_NE(SpecDigest(spec), base);
  spec = DefaultSpec();
  spec.seccomp->syscalls.back().args.front().value_two ^= 1;
  EXPECT_NE(SpecDigest(spec), base);
  spec = DefaultSpec();
  std::swap(spec.process.args[0], spec.process.args[1]);
  EXPECT_NE(SpecDigest(spec), base);
}

}  // namespace
}  // namespace vortex::oci
