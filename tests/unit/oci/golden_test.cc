// SPDX-License-Identifier: Apache-2.0
// The specs under oci-specs/ are what the builder makes. VORTEX_UPDATE_GOLDEN=1 writes them anew,
// for review as a diff.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "oci/canonical_json.h"
#include "unit/oci/differences.h"
#include "unit/oci/jobs.h"

namespace vortex::oci {
namespace {

std::filesystem::path SpecsDir() {
  const char* source = std::getenv("VORTEX_SOURCE_DIR");
  return std::filesystem::path(source == nullptr ? "." : source) / "oci-specs";
}

bool Updating() { return std::getenv("VORTEX_UPDATE_GOLDEN") != nullptr; }

// Compares, or writes when asked to.
void ExpectFile(const std::filesystem::path& path, const std::string& want) {
  if (Updating()) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << want;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  std::stringstream have;
  have << file.rdbuf();
  EXPECT_EQ(have.str(), want) << path
                              << " is not what the builder makes; ./dev golden writes it anew";
}

TEST(GoldenTest, SpecsAreWhatTheBuilderMakes) {
  for (const GoldenJob& golden : GoldenJobs()) {
    SCOPED_TRACE(golden.name);
    const absl::StatusOr<Spec> spec = BuildSpec(golden.job);
    ASSERT_TRUE(spec.ok()) << spec.status();
    ExpectFile(SpecsDir() / "golden" / (golden.name + ".json"), ToPrettyJson(*spec));
  }
}

TEST(GoldenTest, DigestsAreOfTheCanonicalForm) {
  std::string lines;
  for (const GoldenJob& golden : GoldenJobs()) {
    lines += SpecDigest(BuildSpec(golden.job).value()) + "  " + golden.name + "\n";
  }
  ExpectFile(SpecsDir() / "digests.txt", lines);
}

TEST(GoldenTest, DifferencesAreListedForReviewers) {
  const std::vector<GoldenJob> jobs = GoldenJobs();
  std::string page =
      "<!-- written by ./dev golden; do not edit -->\n# What each golden spec changes\n\n"
      "Compared with `golden/" +
      jobs.front().name + ".json`: " + jobs.front().why +
      ". What the fields mean: `docs/reviewer/oci-spec.md`.\n";
  const Spec base = BuildSpec(jobs.front().job).value();
  for (const GoldenJob& golden : jobs) {
    if (golden.name == jobs.front().name) continue;
    const std::string differences = DescribeDifferences(base, BuildSpec(golden.job).value());
    EXPECT_NE(differences, "") << golden.name << " shows nothing";
    page += "\n## " + golden.name + "\n\n" + golden.why + "\n\n" + differences;
  }
  ExpectFile(SpecsDir() / "differences.md", page);
}

TEST(GoldenTest, NoFileIsLeftOver) {
  std::set<std::string> want, have;
  for (const GoldenJob& golden : GoldenJobs()) want.insert(golden.name + ".json");
  for (const auto& entry : std::filesystem::directory_iterator(SpecsDir() / "golden")) {
    have.insert(entry.path().filename().string());
  }
  EXPECT_EQ(have, want);
}

}  // namespace
}  // namespace vortex::oci
