// SPDX-License-Identifier: Apache-2.0
// Many at once and many one after the other, and what containerd's side has afterwards.
#include <gmock/gmock.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "integration/shim/ctr_fixture.h"

namespace vortex::shim::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CrowdsTest : public CtrTest {
 protected:
  void SetUp() override {
    printf("with the %s shim\n", PreferReleaseShim() ? "release" : "tested build's");
    CtrTest::SetUp();
  }
};

TEST_F(CrowdsTest, AHundredAtOnce) {
  std::string command;
  for (int i = 0; i < 100; ++i) {
    const std::string id = "p" + std::to_string(i);
    command += "{ " + RunCommand("--rm", id, "exit " + std::to_string(i)) + "; echo done-" +
               std::to_string(i) + "-$?; } & ";
  }
  const Output output = Shell(command + "wait");
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(output.text,
                HasSubstr("done-" + std::to_string(i) + "-" + std::to_string(i) + "\n"));
  }
}

TEST_F(CrowdsTest, AHundredAliveInOneGroup) {
  const auto each = [this](const std::string& body) {
    return Shell("seq 100 | xargs -P 4 -I@ sh -c '" + body + " || echo failed @'").text;
  };
  const std::string group = "-d --annotation io.containerd.runc.v2.group=g";
  EXPECT_THAT(each(RunCommand(group, "c@", "sleep 1000")), Not(HasSubstr("failed")));
  ASSERT_EQ(Shims().size(), 1U);
  const int shim = Shims().front();
  printf("100 in one group: %d fds, RSS %ld kB, private %ld kB\n", CountFds(shim),
         ProcKb(shim, "status", "VmRSS"), ProcKb(shim, "status", "RssAnon"));
  EXPECT_EQ(Shell(CtrCommand("task ls") + " | grep -c RUNNING").text, "100\n");
  EXPECT_EQ(Ctr("task exec --exec-id e c50 /work exit 5").code, 5);
  each(CtrCommand("task rm -f c@"));
}

TEST_F(CrowdsTest, HundredsOneAfterTheOther) {
  // A thousand by hand: VORTEX_SEQUENTIAL=1000.
  const char* wanted = ::getenv("VORTEX_SEQUENTIAL");
  const int count = std::max(20, wanted != nullptr ? ::atoi(wanted) : 300);
  const auto runs = [this](const std::string& prefix, int number) {
    EXPECT_THAT(Shell("for i in $(seq " + std::to_string(number) + "); do " +
                      RunCommand("--rm --null-io", prefix + "$i", "true") + " || echo failed; done")
                    .text,
                Not(HasSubstr("failed")));
    EXPECT_TRUE(Until([this] { return Shims().empty(); }));
  };
  runs("warm", 20);
  const int fds = CountFds(containerd().pid());
  const long threads = ProcKb(containerd().pid(), "status", "Threads");
  const long rss = ProcKb(containerd().pid(), "status", "VmRSS");
  runs("r", count);
  EXPECT_TRUE(Until([&] { return CountFds(containerd().pid()) <= fds + 2; }))
      << "containerd has " << CountFds(containerd().pid()) << " descriptors, had " << fds;
  const long grown = ProcKb(containerd().pid(), "status", "VmRSS") - rss;
  printf("%d runs: containerd has %d fds (had %d), %ld threads (had %ld), RSS grew by %ld kB\n",
         count, CountFds(containerd().pid()), fds, ProcKb(containerd().pid(), "status", "Threads"),
         threads, grown);
  EXPECT_LE(grown, 32 << 10);
  for (int i = 1; i <= count; ++i)
    EXPECT_NE(::access(SocketOf("r" + std::to_string(i)).c_str(), F_OK), 0) << "a socket is left";
}

}  // namespace
}  // namespace vortex::shim::testing
