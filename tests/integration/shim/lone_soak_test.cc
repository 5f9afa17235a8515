// SPDX-License-Identifier: Apache-2.0
// One shim for a long time, and against peers and disks that fail it.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "google/protobuf/any.pb.h"
#include "integration/shim/ctr_fixture.h"
#include "integration/shim/lone_shim.h"
#include "shim/files.h"

namespace vortex::shim::testing {
namespace {

namespace task_v2 = ::containerd::task::v2;
using ::testing::HasSubstr;

class LoneSoakTest : public LoneTest {
 protected:
  static Reply CallFor(TtrpcPeer* peer, const std::string& method,
                       const std::string& exec_id = "") {
    task_v2::StartRequest request;  // id = 1 and exec_id = 2, as in most
    request.set_id("task");
    request.set_exec_id(exec_id);
    return peer->Call(method, request);
  }
};

TEST_F(LoneSoakTest, ThousandsOfExecs) {
  // A hundred thousand: ./dev bench shim --soak 100000.
  constexpr int kExecs = 2000;
  LoneShim shim("");
  const bool release = ::access(VORTEX_RELEASE_SHIM, X_OK) == 0;
  if (release) shim.set_binary(VORTEX_RELEASE_SHIM);
  const std::string runtime = shim.bundle() + "/../runc";
  ::unlink(runtime.c_str());
  ASSERT_EQ(::symlink(VORTEX_FAKE_RUNTIME, runtime.c_str()), 0);
  shim.Start();
  const pid_t pid = shim.shim();
  TtrpcPeer peer(shim.socket());
  ASSERT_EQ(peer.Call("Create", shim.CreateRequest()).code, 0);
  ASSERT_EQ(CallFor(&peer, "Start").code, 0);
  int fds = 0;
  long private_kb = 0;
  for (int i = 0; i < kExecs; ++i) {
    if (i == 200) {
      fds = CountFds(pid);
      private_kb = ProcKb(pid, "status", "RssAnon");
    }
    const std::string id = "e" + std::to_string(i);
    task_v2::ExecProcessRequest exec;
    exec.set_id("task");
    exec.set_exec_id(id);
    exec.mutable_spec()->set_value("{}");
    ASSERT_EQ(peer.Call("Exec", exec).code, 0) << i;
    ASSERT_EQ(CallFor(&peer, "Start", id).code, 0) << i;
    ASSERT_EQ(CallFor(&peer, "Wait", id).code, 0) << i;
    ASSERT_EQ(CallFor(&peer, "Delete", id).code, 0) << i;
  }
  EXPECT_TRUE(Until([&] { return CountFds(pid) <= fds; }))
      << CountFds(pid) << " descriptors, were " << fds;
  const long grown = ProcKb(pid, "status", "RssAnon") - private_kb;
  printf("%d execs (%s shim): %d fds, private memory grew by %ld kB\n", kExecs,
         release ? "release" : "tested build's", CountFds(pid), grown);
  if (release) {
    EXPECT_LE(grown, 64);
  }
  // The container's first process, and nothing else: no zombies.
  EXPECT_EQ(Shell("pgrep -c -P " + std::to_string(pid)).text, "1\n");
  EXPECT_EQ(Shell("ls " + shim.bundle() + " | grep -c '^e[0-9]'").text, "0\n") << "files are left";
}

TEST_F(LoneSoakTest, PeersThatSendGarbageCostNothing) {
  LoneShim shim("case $verb in create) sleep 1000 >/dev/null 2>&1 & echo -n $! > $pidfile;; esac");
  shim.Start();
  const pid_t pid = shim.shim();
  TtrpcPeer good(shim.socket());
  ASSERT_EQ(good.Call("Create", shim.CreateRequest()).code, 0);
  const int fds = CountFds(pid);
  std::string noise;
  std::uint32_t state = 1;
  for (int i = 0; i < 100'000; ++i) {
    state = state * 1664525 + 1013904223;
    noise += static_cast<char>(state >> 24);
  }
  for (int i = 0; i < 50; ++i) {
    TtrpcPeer bad(shim.socket());
    ASSERT_TRUE(bad.connected());
    // At another place each time: lengths, streams and types of all kinds.
    bad.SendRaw(std::string_view(noise).substr(static_cast<std::size_t>(i) * 1001, 50'000));
  }
  TtrpcPeer big(shim.socket());
  big.SendRaw(std::string("\0\x50\0\0\0\0\0\1\1\0", 10));  // 5 MiB are promised
  std::uint32_t stream = 0;
  EXPECT_EQ(big.Receive(&stream).code, 8);
  big.SendRaw(std::string(5 << 20, 'x'));
  // In step again.
  task_v2::StateRequest request;
  request.set_id("task");
  big.Send("State", request.SerializeAsString());
  big.Send("State", request.SerializeAsString());
  EXPECT_EQ(big.Receive(&stream).code, 3) << "a stream that is not above the last";
  EXPECT_EQ(big.Receive(&stream).code, 0);
  EXPECT_EQ(CallFor(&good, "State").code, 0);
  EXPECT_TRUE(Until([&] { return CountFds(pid) <= fds + 1; })) << CountFds(pid) << " were " << fds;
  if (!VORTEX_SANITIZED) {
    EXPECT_LE(ProcKb(pid, "status", "RssAnon"), 1024);
  }
}

TEST_F(LoneSoakTest, AFullDiskFailsTheCreateAndTheNextOneWorks) {
  LoneShim shim("case $verb in create) sleep 1000 >/dev/null 2>&1 & echo -n $! > $pidfile;; esac");
  const std::string& bundle = shim.bundle();
  const std::string config = ReadFile(bundle + "/config.json", 4096).value_or("");
  ASSERT_EQ(::mount("tmpfs", bundle.c_str(), "tmpfs", 0, "size=64k,mode=700"), 0);
  ASSERT_EQ(WriteFileAtomic(bundle + "/config.json", config, 0644), 0);
  EXPECT_THAT(shim.Start(), HasSubstr("unix://"));
  Shell("cat /dev/zero > " + bundle + "/filler 2> /dev/null");
  TtrpcPeer peer(shim.socket());
  const Reply full = peer.Call("Create", shim.CreateRequest());
  EXPECT_NE(full.code, 0);
  EXPECT_THAT(full.message, HasSubstr("No space left on device"));
  EXPECT_EQ(CallFor(&peer, "State").code, 5) << "nothing of it is left";
  ::unlink((bundle + "/filler").c_str());
  const Reply again = peer.Call("Create", shim.CreateRequest());
  EXPECT_EQ(again.code, 0) << again.message;
  task_v2::KillRequest kill;
  kill.set_id("task");
  kill.set_signal(SIGKILL);
  EXPECT_EQ(peer.Call("Kill", kill).code, 0);
  EXPECT_EQ(CallFor(&peer, "Wait").code, 0);
  // The socket's name goes with the bundle.
  ::kill(shim.shim(), SIGTERM);
  EXPECT_TRUE(Until([&] { return shim.shim() == 0; }));
  EXPECT_EQ(::umount2(bundle.c_str(), MNT_DETACH), 0);
}

TEST_F(LoneSoakTest, DeleteWithARuntimeThatHangsEndsInTime) {
  LoneShim shim(
      "case $verb in create) sleep 1000 >/dev/null 2>&1 & echo -n $! > $pidfile;; "
      "delete) exec sleep 1000;; esac");
  shim.Start();
  {
    TtrpcPeer peer(shim.socket());
    ASSERT_EQ(peer.Call("Create", shim.CreateRequest()).code, 0);
  }
  ::kill(shim.shim(), SIGKILL);
  ASSERT_TRUE(Until([&] { return shim.shim() == 0; }));
  const std::string root = "/run/containerd/runc/lone";
  Shell("mkdir -p " + root + "/task");
  const std::int64_t before = NowUnixNs();
  EXPECT_THAT(shim.Delete(), HasSubstr("took more than 3 s"));
  EXPECT_LT(NowUnixNs() - before, 5'000'000'000) << "containerd gives it 5 s";
  Shell("rm -rf " + root);
}

// The Delete of a container whose runtime fails, and then hangs when forced: with VORTEX_LONG=1 it
// hangs both times.
TEST_F(LoneSoakTest, ADeleteWhoseForcedTryHangsGoesOn) {
  const bool both = ::getenv("VORTEX_LONG") != nullptr;
  LoneShim shim(
      "case $verb in create) sleep 1000 >/dev/null 2>&1 & echo -n $! > $pidfile;; "
      "delete) echo $$ >> deletes; " +
      std::string(both ? "" : "[ $(wc -l < deletes) = 1 ] && exit 1; ") + "sleep 1000;; esac");
  shim.Start();
  TtrpcPeer peer(shim.socket(), 60);
  ASSERT_EQ(peer.Call("Create", shim.CreateRequest()).code, 0);
  ASSERT_EQ(CallFor(&peer, "Start").code, 0);
  containerd::task::v2::KillRequest kill;
  kill.set_id("task");
  kill.set_signal(SIGKILL);
  ASSERT_EQ(peer.Call("Kill", kill).code, 0);
  ASSERT_EQ(CallFor(&peer, "Wait").code, 0);
  const std::int64_t before = NowUnixNs();
  const Reply deleted = CallFor(&peer, "Delete");
  const std::int64_t took = NowUnixNs() - before;
  EXPECT_EQ(deleted.code, 0) << deleted.message;
  printf("Delete with a runtime that hangs: %lld ms\n", static_cast<long long>(took / 1'000'000));
  EXPECT_GT(took, (both ? 39'000'000'000 : 9'000'000'000));
  EXPECT_LT(took, (both ? 45'000'000'000 : 15'000'000'000));
  // Killed with their children.
  const std::string pids = ReadFile(shim.bundle() + "/deletes", 4096).value_or("");
  std::string_view rest = pids;
  int tries = 0;
  while (!rest.empty()) {
    const std::string pid(Trim(NextLine(&rest)));
    ++tries;
    EXPECT_TRUE(Until([&] { return Shell("pgrep -s " + pid).text.empty(); })) << pid;
  }
  EXPECT_EQ(tries, 2);
  // Nothing of it is known any more.
  EXPECT_EQ(CallFor(&peer, "Delete").code, 5);
}

}  // namespace
}  // namespace vortex::shim::testing
