// SPDX-License-Identifier: Apache-2.0
// What an operator does with ctr, on runc.
#include <gmock/gmock.h>

#include "integration/shim/ctr_fixture.h"
#include "shim/files.h"

namespace vortex::shim::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using FlowsTest = CtrTest;

TEST_F(FlowsTest, RunGivesOutputAndStatus) {
  const Output both = Run("--rm", "a", "both");
  EXPECT_EQ(both.code, 0);
  EXPECT_THAT(both.text, HasSubstr("to stdout\n"));
  EXPECT_THAT(both.text, HasSubstr("to stderr\n"));
  EXPECT_EQ(Run("--rm", "b", "exit 7").code, 7);
  EXPECT_EQ(Run("--rm", "c", "exit 255").code, 255);
}

TEST_F(FlowsTest, ALifeInSteps) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  EXPECT_EQ(StateOf("a"), "RUNNING");
  EXPECT_THAT(Ctr("task exec --exec-id e1 a /work both").text, HasSubstr("to stderr"));
  EXPECT_EQ(Ctr("task exec --exec-id e2 a /work exit 5").code, 5);
  EXPECT_EQ(Shell("echo through stdin | " + CtrCommand("task exec --exec-id e3 a /work cat")).text,
            "through stdin\n");
  EXPECT_THAT(Ctr("task metrics a").text, HasSubstr("memory.usage_in_bytes"));
  EXPECT_EQ(Ctr("task pause a").code, 0);
  EXPECT_EQ(StateOf("a"), "PAUSED");
  EXPECT_NE(Ctr("task pause a").code, 0);
  EXPECT_NE(Ctr("task exec --exec-id e4 a /work true").code, 0);
  EXPECT_EQ(Ctr("task resume a").code, 0);
  EXPECT_NE(Ctr("task rm a").code, 0) << "a running task was removed";
  EXPECT_EQ(Ctr("task kill a").code, 0);
  ASSERT_TRUE(Until([this] { return StateOf("a") == "STOPPED"; }));
  const Output again = Ctr("task kill a");
  EXPECT_NE(again.code, 0);
  EXPECT_THAT(again.text, HasSubstr("process already finished: not found"));
  Ctr("task rm a");
  EXPECT_EQ(Ctr("container rm a").code, 0);
}

// The shim forgets an ordinary dead container without runc's help; what only runc does, runc does.
TEST_F(FlowsTest, APoststopHookRuns) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  const std::string made =
      Dir() + "/state/io.containerd.runtime.v2.task/" + NameSpace() + "/a/config.json";
  auto spec = ReadFile(made, 1 << 20);
  ASSERT_TRUE(spec);
  const std::string mark = Dir() + "/poststop";
  spec->insert(1, R"("hooks":{"poststop":[{"path":"/bin/sh","args":["sh","-c","echo ran > )" +
                      mark + R"("]}]},)");
  // A cgroup of its own.
  const std::string group = "/" + NameSpace() + "/a\"";
  const auto at = spec->find(group);
  ASSERT_NE(at, std::string::npos) << *spec;
  spec->insert(at + group.size() - 1, "2");
  const std::string changed = Dir() + "/config.json";
  ASSERT_EQ(WriteFileAtomic(changed, *spec, 0644), 0);
  Ctr("task kill -s 9 a");
  ASSERT_EQ(Ctr("run -d --runtime " + runtime_ + " --config " + changed + " b").code, 0);
  Ctr("task kill -s 9 b");
  for (const char* id : {"a", "b"}) {
    ASSERT_TRUE(Until([&] { return StateOf(id) == "STOPPED"; }));
    Ctr("task rm " + std::string(id));
    EXPECT_EQ(Ctr("container rm " + std::string(id)).code, 0);
  }
  EXPECT_EQ(ReadFile(mark, 100), "ran\n");
}

TEST_F(FlowsTest, EventsAreInOrderAndOnceEach) {
  const std::string file = Dir() + "/events";
  const Output output = Shell(
      CtrCommand("events") + " > " + file + " & events=$!; while ! grep -q . " + file + "; do " +
      CtrCommand("namespace label " + NameSpace() + " x=y; ") + " " + CtrCommand("container ls") +
      " > /dev/null; " + CtrCommand("namespace create n$RANDOM$$") + "; sleep 0.1; done; " +
      RunCommand("-d", "a", "sleep 1000") + "; " +
      CtrCommand("task exec --exec-id e1 a /work true") + "; " + CtrCommand("task kill a") +
      "; while ! " + CtrCommand("task ls") + " | grep -q STOPPED; do sleep 0.1; done; " +
      CtrCommand("task rm a") + "; " + CtrCommand("container rm a") +
      "; while ! grep -q tasks/delete " + file +
      "; do sleep 0.1; done; kill $events; grep -o '/tasks/[a-z-]*' " + file);
  EXPECT_THAT(
      output.text,
      HasSubstr("/tasks/create\n/tasks/start\n/tasks/exec-added\n/tasks/exec-started\n/tasks/exit\n"
                "/tasks/exit\n/tasks/delete\n"));
}

TEST_F(FlowsTest, AMissingEntrypointIsTheRuntimesErrorAndLeavesNothing) {
  const Output output = Shell(CtrCommand("run --rm --runtime io.containerd.vortex.v2 --rootfs " +
                                         Dir() + "/rootfs a /nothing"));
  EXPECT_NE(output.code, 0);
  EXPECT_THAT(output.text, HasSubstr("OCI runtime create failed: "));
  EXPECT_THAT(output.text, HasSubstr("/nothing"));
  EXPECT_EQ(StateOf("a"), "");
}

TEST_F(FlowsTest, AGroupSharesOneShim) {
  const std::string group = "-d --annotation io.containerd.runc.v2.group=g";
  ASSERT_EQ(Run(group, "a", "sleep 1000").code, 0);
  ASSERT_EQ(Run(group, "b", "sleep 1000").code, 0);
  EXPECT_EQ(Shims().size(), 1U);
  Ctr("task rm -f a");
  EXPECT_EQ(StateOf("b"), "RUNNING") << "the end of one member ended another";
  EXPECT_EQ(Ctr("task exec --exec-id e1 b /work true").code, 0);
  Ctr("task rm -f b");
}

TEST_F(FlowsTest, TwentyAtOnce) {
  std::string command;
  for (int i = 0; i < 20; ++i) {
    command += RunCommand("--rm", "p" + std::to_string(i), "exit " + std::to_string(i)) +
               "; echo done-" + std::to_string(i) + "-$? & ";
  }
  const Output output = Shell(command + "wait");
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(output.text,
                HasSubstr("done-" + std::to_string(i) + "-" + std::to_string(i) + "\n"));
  }
}

TEST_F(FlowsTest, ManyExecsLeaveNothingBehindInTheShim) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  const int shim = ShimOf("a");
  const auto execs = [&](int count) {
    const Output output =
        Shell("for i in $(seq " + std::to_string(count) + "); do " +
              CtrCommand("task exec --exec-id e$i a /work both") + " || echo failed; done");
    EXPECT_THAT(output.text, Not(HasSubstr("failed")));
  };
  execs(10);
  const int fds = CountFds(shim);
  const long private_kb = ProcKb(shim, "status", "RssAnon");
  execs(60);
  // The reply to the last Delete is out before its last descriptor is closed.
  EXPECT_TRUE(Until([&] { return CountFds(shim) <= fds; }))
      << CountFds(shim) << " descriptors, were " << fds;
  const long grown = ProcKb(shim, "status", "RssAnon") - private_kb;
  printf("after 60 execs: %d fds, private memory grew by %ld kB\n", CountFds(shim), grown);
  if (!VORTEX_SANITIZED) {
    EXPECT_LE(grown, 24);
  }
  Ctr("task rm -f a");
}

}  // namespace
}  // namespace vortex::shim::testing
