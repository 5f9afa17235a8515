// SPDX-License-Identifier: Apache-2.0
// What is killed, and what is still right afterwards.
#include <gmock/gmock.h>
#include <signal.h>

#include "integration/shim/ctr_fixture.h"
#include "shim/files.h"

namespace vortex::shim::testing {
namespace {

using ::testing::HasSubstr;
using FaultsTest = CtrTest;

TEST_F(FaultsTest, ContainerdDiesAndFindsTheTaskAgain) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  const int shim = ShimOf("a");
  containerd().Kill9();
  ASSERT_TRUE(containerd().Restart().ok());
  EXPECT_EQ(ShimOf("a"), shim) << "a second shim";
  EXPECT_EQ(StateOf("a"), "RUNNING");
  EXPECT_EQ(Ctr("task exec --exec-id e1 a /work exit 5").code, 5);
  EXPECT_EQ(Ctr("task kill a").code, 0);
  ASSERT_TRUE(Until([this] { return StateOf("a") == "STOPPED"; }));
  EXPECT_THAT(Ctr("task rm a").text, HasSubstr("9")) << "the payload's status on SIGTERM";
}

TEST_F(FaultsTest, AnExitWhileContainerdIsDeadIsNotLost) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  const int init = ::atoi(Shell(CtrCommand("task ls -q") + " > /dev/null; " +
                                CtrCommand("task ls") + " | awk '/^a /{print $2}'")
                              .text.c_str());
  ASSERT_GT(init, 1);
  containerd().Kill9();
  ::kill(init, SIGTERM);
  ASSERT_TRUE(Until([&] { return ::kill(init, 0) != 0; }));
  ASSERT_TRUE(containerd().Restart().ok());
  EXPECT_EQ(StateOf("a"), "STOPPED");
  EXPECT_THAT(Ctr("task rm a").text, HasSubstr("9"));
}

TEST_F(FaultsTest, TheShimIsKilledAndEverythingOfItGoes) {
  ASSERT_EQ(Run("-d", "a", "stay").code, 0);
  const int shim = ShimOf("a");
  const std::string pid = Shell(CtrCommand("task ls") + " | awk '/^a /{print $2}'").text;
  ::kill(shim, SIGKILL);
  EXPECT_TRUE(Until([this] { return StateOf("a") == ""; }));
  EXPECT_TRUE(Until([&] { return ::kill(::atoi(pid.c_str()), 0) != 0; }))
      << "the container outlived its shim";
  EXPECT_EQ(Ctr("container rm a").code, 0);
}

TEST_F(FaultsTest, ARuntimeThatIsMissingIsNamed) {
  const std::string toml = Dir() + "/o.toml";
  ASSERT_EQ(WriteFileAtomic(toml, "binary_name = \"no-runc\"\n", 0644), 0);
  const Output output = Run("--rm --runtime-config-path " + toml, "a", "true");
  EXPECT_NE(output.code, 0);
  EXPECT_THAT(output.text, HasSubstr("exec: \"no-runc\": executable file not found in $PATH"));
}

TEST_F(FaultsTest, ARuntimeThatIsKilledIsSaidToBe) {
  const std::string toml = Dir() + "/o.toml";
  const std::string fake = Dir() + "/runc-fake";
  ASSERT_EQ(
      WriteFileAtomic(
          fake, "#!/bin/sh\ncase \" $* \" in *' create '*) kill -9 $$;; esac\nexec runc \"$@\"\n",
          0755),
      0);
  ASSERT_EQ(WriteFileAtomic(toml, "binary_name = \"" + fake + "\"\n", 0644), 0);
  const Output output = Run("--rm --runtime-config-path " + toml, "a", "true");
  EXPECT_THAT(output.text, HasSubstr("was killed by signal 9"));
}

TEST_F(FaultsTest, ContainerdIsFrozenWhileAContainerEnds) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  const int init = ::atoi(Shell(CtrCommand("task ls") + " | awk '/^a /{print $2}'").text.c_str());
  containerd().Freeze();
  ::kill(init, SIGKILL);
  ASSERT_TRUE(Until([&] { return ::kill(init, 0) != 0; }));
  containerd().Thaw();
  EXPECT_TRUE(Until([this] { return StateOf("a") == "STOPPED"; }));
  Ctr("task rm a");
}

}  // namespace
}  // namespace vortex::shim::testing
