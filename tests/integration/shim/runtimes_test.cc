// SPDX-License-Identifier: Apache-2.0
// The same flow under each OCI runtime.
#include <gmock/gmock.h>

#include "integration/shim/ctr_fixture.h"
#include "shim/files.h"
#include "support/crun_wrapper.h"

namespace vortex::shim::testing {
namespace {

using ::testing::HasSubstr;

class RuntimesTest : public CtrTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // The options file that chooses the runtime; empty when it cannot run here.
  std::string Options() {
    const std::string name = GetParam();
    std::string binary = name;
    if (Shell("command -v " + name).code != 0) return "";
    if (name == "crun") {
      const auto crun = vortex::testing::CrunForThisHost(Dir());
      EXPECT_TRUE(crun.ok()) << std::string(crun.status().message());
      binary = crun.value_or(name);
    }
    const std::string path = Dir() + "/options.toml";
    EXPECT_EQ(WriteFileAtomic(path, "binary_name = \"" + binary + "\"\n", 0644), 0);
    return "--runtime-config-path " + path;
  }
};

TEST_P(RuntimesTest, TheSameFlow) {
  const std::string options = Options();
  if (options.empty()) GTEST_SKIP() << GetParam() << " is not installed";
  const Output both = Run("--rm " + options, "a", "both");
  EXPECT_EQ(both.code, 0) << both.text;
  EXPECT_THAT(both.text, HasSubstr("to stdout\n"));
  EXPECT_THAT(both.text, HasSubstr("to stderr\n"));
  EXPECT_EQ(Run("--rm " + options, "b", "exit 7").code, 7);
  // More than a pipe holds: ctr forgets to close the input when it ends before Create has answered.
  EXPECT_EQ(
      Shell("head -c 200000 /dev/zero | " + RunCommand("--rm " + options, "c", "cat") + " | wc -c")
          .text,
      "200000\n");
  ASSERT_EQ(Run("-d " + options, "d", "sleep 1000").code, 0);
  EXPECT_EQ(Ctr("task exec --exec-id e1 d /work exit 5").code, 5);
  EXPECT_EQ(Ctr("task pause d").code, 0);
  EXPECT_EQ(StateOf("d"), "PAUSED");
  EXPECT_EQ(Ctr("task resume d").code, 0);
  EXPECT_EQ(Ctr("task kill d").code, 0);
  ASSERT_TRUE(Until([this] { return StateOf("d") == "STOPPED"; }));
  EXPECT_THAT(Ctr("task rm d").text, HasSubstr("code 9"));
  ASSERT_EQ(Run("-d " + options, "e", "stay").code, 0);
  EXPECT_EQ(Ctr("task kill -s SIGKILL e").code, 0);
  ASSERT_TRUE(Until([this] { return StateOf("e") == "STOPPED"; }));
  EXPECT_THAT(Ctr("task rm e").text, HasSubstr("137"));
}

INSTANTIATE_TEST_SUITE_P(Each, RuntimesTest, ::testing::Values("runc", "crun", "runsc"),
                         [](const auto& test_info) { return std::string(test_info.param); });

}  // namespace
}  // namespace vortex::shim::testing
