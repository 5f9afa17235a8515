// SPDX-License-Identifier: Apache-2.0
// Several containers in one gVisor sandbox, as CRI makes the pods of a RuntimeClass for runsc.
#include <gmock/gmock.h>
#include <signal.h>

#include "integration/shim/ctr_fixture.h"
#include "shim/files.h"
#include "support/processes.h"

namespace vortex::shim::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PodsTest : public CtrTest {
 protected:
  void SetUp() override {
    if (Shell("command -v runsc").code != 0) GTEST_SKIP() << "runsc is not installed";
    CtrTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    // Debian's runsc refuses its own network stack on Linux 6.11 and newer.
    const std::string toml = Dir() + "/pod.toml";
    ASSERT_EQ(WriteFileAtomic(toml, "binary_name = \"runsc\"\n[runsc_config]\nnetwork = \"none\"\n",
                              0644),
              0);
    options_ = "--runtime-config-path " + toml;
  }

  // A test that failed half way must not leave its pod.
  void TearDown() override {
    if (HasFailure()) {
      Ctr("task kill -s SIGKILL pod");
      for (const char* id : {"a", "b", "greedy", "pod"}) Ctr(std::string("task rm -f ") + id);
    }
    CtrTest::TearDown();
  }

  std::string Flags(const std::string& type) const {
    return options_ + " --annotation io.kubernetes.cri.container-type=" + type +
           " --annotation io.kubernetes.cri.sandbox-id=pod ";
  }
  void StartSandbox(const std::string& more = "") {
    const Output made = Run("-d " + Flags("sandbox") + more, "pod", "sleep 100000");
    ASSERT_EQ(made.code, 0) << made.text;
  }
  Output RunMember(const std::string& flags, const std::string& id, const std::string& words) {
    return Run(flags + " " + Flags("container"), id, words);
  }
  void StartMember(const std::string& id, const std::string& words) {
    const Output made = RunMember("-d", id, words);
    ASSERT_EQ(made.code, 0) << made.text;
  }
  // What `task rm` says of a dead one.
  std::string Remove(const std::string& id) {
    EXPECT_TRUE(Until([&] { return StateOf(id) == "STOPPED"; })) << id << ": " << StateOf(id);
    return Ctr("task rm " + id).text;
  }
  // Programs that a container runs, by runsc itself.
  std::string Inside(const std::string& id) {
    return Shell("runsc --root /run/containerd/runsc/" + NameSpace() + " ps " + id).text;
  }
  int ProcessesIn(const std::string& id) {
    const std::string listed = Inside(id);
    int count = 0;
    for (std::size_t at = listed.find(" work\n"); at != std::string::npos;
         at = listed.find(" work\n", at + 1))
      ++count;
    return count;
  }

  std::string options_;
};

TEST_F(PodsTest, MembersLiveAndEndOfTheirOwn) {
  StartSandbox();
  const int sandbox = InitOf("pod");
  const Output both = RunMember("--rm", "both", "both");
  EXPECT_EQ(both.code, 0) << both.text;
  EXPECT_THAT(both.text, HasSubstr("to stdout\n"));
  EXPECT_THAT(both.text, HasSubstr("to stderr\n"));
  EXPECT_EQ(RunMember("--rm", "seven", "exit 7").code, 7);
  EXPECT_EQ(Shell("head -c 200000 /dev/zero | " +
                  RunCommand("--rm " + Flags("container"), "cat", "cat") + " | wc -c")
                .text,
            "200000\n");

  StartMember("a", "sleep 1000");
  StartMember("b", "stay");
  EXPECT_EQ(Shims().size(), 1u);
  // One sandbox: the members' pid is its.
  EXPECT_EQ(InitOf("a"), sandbox);
  EXPECT_EQ(InitOf("b"), sandbox);
  EXPECT_EQ(ProcessesIn("a"), 1) << Inside("a");

  EXPECT_EQ(Ctr("task exec --exec-id e1 a /work exit 5").code, 5);
  const Output told = Ctr("task exec --exec-id e2 b /work both");
  EXPECT_THAT(told.text, HasSubstr("to stderr\n"));

  EXPECT_EQ(Ctr("task kill a").code, 0);
  EXPECT_THAT(Remove("a"), HasSubstr("code 9"));
  EXPECT_EQ(StateOf("b"), "RUNNING");
  EXPECT_EQ(Ctr("task kill -s SIGKILL b").code, 0);
  EXPECT_THAT(Remove("b"), HasSubstr("137"));
  EXPECT_EQ(StateOf("pod"), "RUNNING");
  EXPECT_TRUE((::kill(sandbox, 0) == 0));

  EXPECT_EQ(Ctr("task kill pod").code, 0);
  EXPECT_THAT(Remove("pod"), HasSubstr("code 9"));
}

TEST_F(PodsTest, TheEndOfTheSandboxEndsItsMembers) {
  StartSandbox();
  StartMember("a", "stay");
  StartMember("b", "stay");
  const Output created = Ctr("events & events=$!; sleep 1; " +
                             CtrCommand("task kill -s SIGKILL pod") + "; sleep 3; kill $events");
  for (const std::string id : {"a", "b", "pod"}) {
    EXPECT_TRUE(Until([&] { return StateOf(id) == "STOPPED"; })) << id;
    EXPECT_THAT(created.text, HasSubstr("/tasks/exit {\"container_id\":\"" + id + "\""));
  }
  // Members first.
  EXPECT_LT(created.text.find("\"container_id\":\"a\""), created.text.find("\"pod\""));
  EXPECT_LT(created.text.find("\"container_id\":\"b\""), created.text.find("\"pod\""));
  for (const std::string id : {"a", "b", "pod"}) EXPECT_THAT(Remove(id), HasSubstr("137")) << id;
}

TEST_F(PodsTest, ASignalToAnExecReachesItAndNobodyElse) {
  StartSandbox();
  StartMember("a", "sleep 1000");
  Shell("(" + CtrCommand("task exec --exec-id e1 a /work sleep 1000") + " >/dev/null 2>&1 &)");
  ASSERT_TRUE(Until([&] { return ProcessesIn("a") == 2; })) << Inside("a");
  // It may be seen before its Start has answered.
  EXPECT_TRUE(Until([&] { return Ctr("task kill -s SIGKILL --exec-id e1 a").code == 0; }));
  EXPECT_TRUE(Until([&] { return ProcessesIn("a") == 1; })) << Inside("a");
  EXPECT_EQ(StateOf("a"), "RUNNING");
  // The same in the sandbox's own container.
  Shell("(" + CtrCommand("task exec --exec-id e2 pod /work sleep 1000") + " >/dev/null 2>&1 &)");
  ASSERT_TRUE(Until([&] { return ProcessesIn("pod") == 2; })) << Inside("pod");
  EXPECT_TRUE(Until([&] { return Ctr("task kill -s SIGKILL --exec-id e2 pod").code == 0; }));
  EXPECT_TRUE(Until([&] { return ProcessesIn("pod") == 1; })) << Inside("pod");
  EXPECT_EQ(Ctr("task kill -s SIGKILL pod").code, 0);
  Remove("a");
  Remove("pod");
}

TEST_F(PodsTest, AMemberHasFiguresATerminalAndNoPause) {
  StartSandbox();
  StartMember("a", "sleep 1000");
  const Output figures = Ctr("task metrics a");
  EXPECT_EQ(figures.code, 0) << figures.text;
  EXPECT_THAT(figures.text, HasSubstr("memory.usage_in_bytes"));
  EXPECT_THAT(figures.text, Not(::testing::ContainsRegex("memory.usage_in_bytes +0\n")));
  EXPECT_THAT(Ctr("task ps a").text, HasSubstr(std::to_string(InitOf("pod"))));
  const Output paused = Ctr("task pause a");
  EXPECT_NE(paused.code, 0);
  EXPECT_THAT(paused.text, HasSubstr("shares the sandbox pod"));
  const Output terminal =
      ShellOnTerminal(RunCommand("--rm -t " + Flags("container"), "tty", "tty"));
  EXPECT_EQ(terminal.code, 0) << terminal.text;
  EXPECT_THAT(terminal.text, HasSubstr("tty 1"));
  EXPECT_EQ(Ctr("task kill -s SIGKILL pod").code, 0);
  Remove("a");
  Remove("pod");
}

TEST_F(PodsTest, OutOfMemoryIsToldForMembers) {
  StartSandbox("--memory-limit 120000000 ");
  StartMember("a", "stay");
  const Output told = Ctr("events & events=$!; sleep 1; " +
                          RunCommand("--rm " + Flags("container"), "greedy", "memory 400") +
                          "; sleep 3; kill $events");
  EXPECT_THAT(told.text, HasSubstr("/tasks/oom {\"container_id\":\"greedy\"}"));
  EXPECT_THAT(told.text, HasSubstr("/tasks/oom {\"container_id\":\"a\"}"));
  EXPECT_LT(told.text.find("/tasks/oom {\"container_id\":\"a\"}"),
            told.text.find("/tasks/exit {\"container_id\":\"a\""));
  EXPECT_THAT(Remove("a"), HasSubstr("137"));
  EXPECT_THAT(Remove("pod"), HasSubstr("137"));
}

TEST_F(PodsTest, AMemberWithoutItsSandboxIsRefusedByName) {
  const Output alone = RunMember("--rm", "alone", "true");
  EXPECT_NE(alone.code, 0);
  EXPECT_THAT(alone.text, HasSubstr("belongs to the sandbox \"pod\""));
}

TEST_F(PodsTest, AProgramThatIsNotThereIsToldAndTheSandboxStays) {
  StartSandbox();
  const Output absent = Shell(CtrCommand("run --runtime " + runtime_ + " " + Flags("container") +
                                         " --rootfs " + Dir() + "/rootfs absent /no-such"));
  EXPECT_NE(absent.code, 0);
  EXPECT_THAT(absent.text, HasSubstr("/no-such"));
  // ctr before 2.0 leaves a task that was created and could not start.
  Ctr("task rm -f absent");
  EXPECT_EQ(StateOf("absent"), "");
  EXPECT_EQ(StateOf("pod"), "RUNNING");
  EXPECT_EQ(RunMember("--rm", "seven", "exit 7").code, 7);
  EXPECT_EQ(Ctr("task kill -s SIGKILL pod").code, 0);
  Remove("pod");
}

TEST_F(PodsTest, AKilledShimLeavesNothingOfThePod) {
  StartSandbox();
  StartMember("a", "stay");
  const int sandbox = InitOf("pod");
  ASSERT_EQ(Shims().size(), 1u);
  ::kill(Shims()[0], SIGKILL);
  EXPECT_TRUE(Until([&] { return !(::kill(sandbox, 0) == 0); }));
  EXPECT_TRUE(Until([&] { return StateOf("a").empty() && StateOf("pod").empty(); }))
      << Ctr("task ls").text;
}

}  // namespace
}  // namespace vortex::shim::testing
