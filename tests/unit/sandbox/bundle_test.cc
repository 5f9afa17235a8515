// SPDX-License-Identifier: Apache-2.0
#include "sandbox/bundle.h"

#include "support/status_matchers.h"
#include "unit/sandbox/bundle_fixture.h"

namespace vortex::sandbox {
namespace {

using ::testing::HasSubstr;
using vortex::testing::IsOk;
using vortex::testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class BundleTest : public testing::BundleFixture {
 protected:
  absl::Status Read() const {
    const auto fd = base::OpenFile(source(), O_RDONLY | O_DIRECTORY);
    if (!fd.ok()) return fd.status();
    return ReadBundleManifest(fd->get(), "b").status();
  }
  void Entrypoint(const std::string& entrypoint) {
    Write("vortex-plugin.yaml", "id: a\nversion: 1.0.0\nentrypoint: " + entrypoint + "\n");
  }
  void Command(const std::string& program) {
    Write("vortex-plugin.yaml", "id: a\nversion: 1.0.0\ncommand: [" + program + "]\n");
  }
};

TEST_F(BundleTest, AManifestAndItsModule) {
  WritePlugin();
  EXPECT_THAT(Read(), IsOk());
}

TEST_F(BundleTest, NoManifest) {
  EXPECT_THAT(Read(), StatusIs(kInvalid, "bundle b: no vortex-plugin.yaml in it"));
}

TEST_F(BundleTest, AManifestThatIsNotAFile) {
  const std::string message = "bundle b: vortex-plugin.yaml is not a plain file";
  Write("real.yaml", testing::kManifestText);
  Link("vortex-plugin.yaml", "real.yaml");
  EXPECT_THAT(Read(), StatusIs(kInvalid, message));
  ASSERT_EQ(::unlink(In("vortex-plugin.yaml").c_str()), 0);
  ASSERT_EQ(::mkdir(In("vortex-plugin.yaml").c_str(), 0755), 0);
  EXPECT_THAT(Read(), StatusIs(kInvalid, message));
  ASSERT_EQ(::rmdir(In("vortex-plugin.yaml").c_str()), 0);
  ASSERT_EQ(::mkfifo(In("vortex-plugin.yaml").c_str(), 0644), 0);
  EXPECT_THAT(Read(), StatusIs(kInvalid, message));  // and does not hang
}

TEST_F(BundleTest, AManifestThatIsTooLargeIsNotRead) {
  Write("vortex-plugin.yaml", std::string(64 * 1024 + 1, '#'));
  EXPECT_THAT(Read(), StatusIs(kInvalid, "bundle b: vortex-plugin.yaml: larger than 65536 bytes"));
}

TEST_F(BundleTest, ManifestErrorsNameTheBundle) {
  Write("vortex-plugin.yaml", "id: A\n");
  EXPECT_THAT(Read(), StatusIs(kInvalid, HasSubstr("b/vortex-plugin.yaml:1:5: id: \"A\"")));
}

TEST_F(BundleTest, TheModuleIsAFileOrAPackage) {
  Entrypoint("pkg.sub:run");
  EXPECT_THAT(Read(), StatusIs(kInvalid,
                               "bundle b: entrypoint: module \"pkg.sub\" is not there; "
                               "expected pkg/sub.py or pkg/sub/__init__.py"));
  Write("pkg/sub/__init__.py", "");
  EXPECT_THAT(Read(), IsOk());
  Entrypoint("other:run");
  ASSERT_EQ(::mkdir(In("other.py").c_str(), 0755), 0);
  EXPECT_THAT(Read(), StatusIs(kInvalid, HasSubstr("module \"other\" is not there")));
}

TEST_F(BundleTest, AModuleOutsideOfTheBundleIsNotThere) {
  WritePlugin();
  const auto outside = base::OpenFile(dir() + "/outside.py", O_WRONLY | O_CREAT, 0644);
  ASSERT_TRUE(outside.ok());
  Entrypoint("outside:run");
  Link("outside.py", "../outside.py");
  EXPECT_THAT(Read(), StatusIs(kInvalid, HasSubstr("module \"outside\" is not there")));
  ASSERT_EQ(::unlink(In("outside.py").c_str()), 0);
  Link("outside.py", dir() + "/outside.py");
  EXPECT_THAT(Read(), StatusIs(kInvalid, HasSubstr("module \"outside\" is not there")));
  // A link within is followed.
  ASSERT_EQ(::unlink(In("outside.py").c_str()), 0);
  Link("outside.py", "main.py");
  EXPECT_THAT(Read(), IsOk());
}

TEST_F(BundleTest, TheProgramOfTheBundleIsAnExecutableFile) {
  Command("/plugin/bin/hello");
  EXPECT_THAT(Read(),
              StatusIs(kInvalid, "bundle b: command: \"/plugin/bin/hello\" is not in the bundle"));
  Write("bin/hello", "#!/usr/bin/python3\n", 0644);
  EXPECT_THAT(Read(), StatusIs(kInvalid,
                               "bundle b: command: \"/plugin/bin/hello\" is not executable; "
                               "chmod +x it"));
  Write("bin/hello", "#!/usr/bin/python3\n", 0755);
  EXPECT_THAT(Read(), IsOk());
  Command("/plugin/bin");
  EXPECT_THAT(Read(), StatusIs(kInvalid, "bundle b: command: \"/plugin/bin\" is not a file"));
  Command("/plugin/etc/passwd");
  Link("etc", "/etc");
  EXPECT_THAT(Read(), StatusIs(kInvalid, HasSubstr("\"/plugin/etc/passwd\" is not in the bundle")));
}

TEST_F(BundleTest, AProgramOfTheImageIsNotLookedFor) {
  Command("/usr/bin/python3");
  EXPECT_THAT(Read(), IsOk());
  Command("/pluginx/y");
  EXPECT_THAT(Read(), IsOk());
}

}  // namespace
}  // namespace vortex::sandbox
