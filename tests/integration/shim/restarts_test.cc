// SPDX-License-Identifier: Apache-2.0
// containerd is killed -9 at each step of a container's life and started again: the task is found,
// there is no second copy, and its exit status is right.
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include "integration/shim/ctr_fixture.h"
#include "integration/shim/lone_shim.h"
#include "shim/files.h"

namespace vortex::shim::testing {
namespace {

using ::testing::HasSubstr;

class RestartsTest : public CtrTest {
 protected:
  // `ctr run -d` with a runtime that stops before `verb` until Go(); returns when it has stopped.
  void RunHeldAt(const std::string& verb, const std::string& words) {
    const std::string options =
        WrappedRunc("case \" $* \" in *' " + verb + " '*) : > " + Dir() + "/held; while [ ! -e " +
                    Dir() + "/go ]; do sleep 0.02; done;; esac");
    // ctr itself fails when its containerd dies; that is not what is tested.
    Shell("(" + RunCommand("-d " + options, "a", words) + ") > /dev/null 2>&1 & echo started");
    ASSERT_TRUE(Until([this] { return ::access((Dir() + "/held").c_str(), F_OK) == 0; }));
  }
  void Go() { ASSERT_EQ(WriteFileAtomic(Dir() + "/go", "", 0644), 0); }
  void KillAndRestart() {
    containerd().Kill9();
    ASSERT_TRUE(containerd().Restart().ok());
  }
  // Ends task a by SIGTERM; its payload answers that with 9.
  void EndWithNine() {
    EXPECT_EQ(Shims().size(), 1U) << "a second shim, or none";
    // More than once: a first process ignores SIGTERM until it has said what to do with it.
    ASSERT_TRUE(Until([this] {
      Ctr("task kill a");
      return StateOf("a") == "STOPPED";
    }));
    EXPECT_THAT(Ctr("task rm a").text, HasSubstr("code 9"));
    EXPECT_EQ(Ctr("container rm a").code, 0);
  }
};

TEST_F(RestartsTest, BeforeCreateHasAnswered) {
  RunHeldAt("create", "sleep 1000");
  const int shim = ShimOf("a");
  containerd().Kill9();
  Go();
  ASSERT_TRUE(containerd().Restart().ok());
  // The Create goes on without its caller, and the task can be started by whoever comes next (ctr
  // has no word for starting a task that it has not created).
  ASSERT_TRUE(Until([this] { return StateOf("a") == "CREATED"; })) << StateOf("a");
  EXPECT_EQ(ShimOf("a"), shim);
  TtrpcPeer peer(SocketOf("a"));
  containerd::task::v2::StartRequest start;
  start.set_id("a");
  EXPECT_EQ(peer.Call("Start", start).code, 0);
  EXPECT_EQ(StateOf("a"), "RUNNING");
  EndWithNine();
}

TEST_F(RestartsTest, WhileCreateStillHangs) {
  RunHeldAt("create", "sleep 1000");
  KillAndRestart();
  // Nobody waits for that Create any more; the owner gives the task up.
  EXPECT_EQ(Shims().size(), 1U);
  Ctr("task rm -f a");
  EXPECT_TRUE(Until([this] { return Shims().empty(); })) << "a shim waits for a Create for ever";
  Go();
  EXPECT_EQ(StateOf("a"), "");
  EXPECT_EQ(Ctr("container rm a").code, 0);
}

TEST_F(RestartsTest, AfterCreateBeforeStartHasAnswered) {
  RunHeldAt("start", "sleep 1000");
  KillAndRestart();
  EXPECT_EQ(StateOf("a"), "CREATED");
  Go();
  ASSERT_TRUE(Until([this] { return StateOf("a") == "RUNNING"; }));
  EndWithNine();
}

TEST_F(RestartsTest, WhileAnExecRuns) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  Shell("(" + CtrCommand("task exec --exec-id e1 a /work sleep 1000") +
        ") > /dev/null 2>&1 & echo started");
  const auto processes = [this] {
    return Shell(CtrCommand("task ps a") + " | tail -n +2 | grep -c .").text;
  };
  ASSERT_TRUE(Until([&] { return processes() == "2\n"; }));
  KillAndRestart();
  EXPECT_EQ(processes(), "2\n");
  EXPECT_NE(Ctr("task exec --exec-id e1 a /work true").code, 0) << "the id is taken";
  EXPECT_EQ(Ctr("task exec --exec-id e2 a /work exit 5").code, 5);
  EXPECT_EQ(Ctr("task kill --exec-id e1 a").code, 0);
  EXPECT_TRUE(Until([&] { return processes() == "1\n"; }));
  EndWithNine();
}

TEST_F(RestartsTest, AfterTheExitWasToldBeforeDelete) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  EXPECT_EQ(Ctr("task kill a").code, 0);
  ASSERT_TRUE(Until([this] { return StateOf("a") == "STOPPED"; }));
  KillAndRestart();
  EXPECT_EQ(StateOf("a"), "STOPPED");
  EXPECT_THAT(Ctr("task rm a").text, HasSubstr("code 9"));
  EXPECT_EQ(Ctr("container rm a").code, 0);
}

TEST_F(RestartsTest, TheShimIsKilledWhileCreateHangs) {
  RunHeldAt("create", "sleep 1000");
  ::kill(ShimOf("a"), SIGKILL);
  EXPECT_TRUE(Until([this] { return Shims().empty() && StateOf("a").empty(); }));
  EXPECT_EQ(Shell("pgrep -f '[/]" + Dir().substr(1) + "/runc-wrapped'").text, "")
      << "the runtime outlived its shim";
  Go();
  EXPECT_TRUE(Until([this] { return Ctr("container rm a").code == 0; }));
}

TEST_F(RestartsTest, ShimAndContainerdDieTogether) {
  ASSERT_EQ(Run("-d", "a", "stay").code, 0);
  const int init = InitOf("a");
  ASSERT_GT(init, 1);
  containerd().Kill9();
  ::kill(ShimOf("a"), SIGKILL);
  ASSERT_TRUE(containerd().Restart().ok());
  EXPECT_TRUE(Until([&] { return ::kill(init, 0) != 0; })) << "the container outlived its shim";
  EXPECT_EQ(StateOf("a"), "");
  EXPECT_NE(::access(SocketOf("a").c_str(), F_OK), 0) << "a socket is left";
  EXPECT_EQ(Ctr("container rm a").code, 0);
}

// The real clock: longer than the publisher waits before it says so, or a minute with
// VORTEX_LONG=1.
TEST_F(RestartsTest, AStoppedContainerdIsToldAllExitsInOrderAndOnce) {
  const bool minute = ::getenv("VORTEX_LONG") != nullptr;
  const int tasks = minute ? 30 : 6;
  const int seconds = minute ? 60 : 8;
  std::vector<int> pids;
  for (int i = 0; i < tasks; ++i) {
    // One shim for all, so one queue.
    const Output made = Run("-d --annotation io.containerd.runc.v2.group=all",
                            "t" + std::to_string(i), "sleep 100000");
    ASSERT_EQ(made.code, 0) << made.text;
    pids.push_back(InitOf("t" + std::to_string(i)));
  }
  ASSERT_EQ(Shims().size(), 1U);
  const std::string heard = Dir() + "/heard";
  Shell("(timeout 300 ctr -a " + containerd().address() + " -n " + NameSpace() + " events > " +
        heard + " 2>&1 & echo $! > " + Dir() + "/listener)");
  // It listens when it tells what is changed now.
  ASSERT_TRUE(Until([&] {
    Ctr("namespaces label " + NameSpace() + " heard=" + std::to_string(::rand()));
    return !ReadFile(heard, 1 << 20).value_or("").empty();
  }));
  ::kill(containerd().pid(), SIGSTOP);
  for (const int pid : pids) {
    ::kill(pid, SIGKILL);
    // In this order, and spread over the whole time.
    ::usleep(static_cast<useconds_t>(seconds * 1'000'000 / tasks));
  }
  const std::int64_t thawed = NowUnixNs();
  ::kill(containerd().pid(), SIGCONT);
  const auto exits = [&] {
    std::vector<std::string> ids;
    const std::string text = ReadFile(heard, 1 << 20).value_or("");
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::string_view line = NextLine(&rest);
      const std::size_t at = line.find("\"container_id\":\"");
      if (line.find("/tasks/exit") == std::string_view::npos || at == std::string_view::npos)
        continue;
      const std::string_view id = line.substr(at + 16);
      ids.emplace_back(id.substr(0, id.find('"')));
    }
    return ids;
  };
  EXPECT_TRUE(Until([&] { return exits().size() >= pids.size(); }));
  const std::int64_t all = NowUnixNs();
  ::usleep(2'000'000);
  std::vector<std::string> wanted;
  for (int i = 0; i < tasks; ++i) wanted.push_back("t" + std::to_string(i));
  EXPECT_EQ(exits(), wanted);
  printf("containerd stopped for %d s: %zu exits told of %d, the last %lld ms after it went on\n",
         seconds, exits().size(), tasks, static_cast<long long>((all - thawed) / 1'000'000));
  Shell("kill $(cat " + Dir() + "/listener)");
  for (const std::string& id : wanted) {
    EXPECT_THAT(Ctr("task rm " + id).text, HasSubstr("137"));
    Ctr("container rm " + id);
  }
}

}  // namespace
}  // namespace vortex::shim::testing
