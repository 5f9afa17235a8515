// SPDX-License-Identifier: Apache-2.0
// The shim alone: what a runtime, a client or an event sink may do wrong, and the protocol's
// corners.
#include "integration/shim/lone_shim.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "integration/shim/ctr_fixture.h"
#include "shim/files.h"

namespace vortex::shim::testing {
namespace {

namespace task_v2 = ::containerd::task::v2;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A container is a `sleep`, adopted by the shim as a real one's first process would be.
constexpr char kGood[] =
    "case $verb in create|exec) sleep 1000 < /dev/null > /dev/null 2>&1 & echo -n $! > $pidfile;; "
    "update) cat > updated;; esac";

task_v2::StateRequest StateRequest() {
  task_v2::StateRequest request;
  request.set_id("task");
  return request;
}

TEST_F(LoneTest, StartAnswersWithItsAddressAndASecondStartFindsTheFirst) {
  LoneShim shim(kGood);
  const std::string address = shim.Start();
  EXPECT_THAT(address, StartsWith("unix:///run/containerd/s/"));
  EXPECT_EQ(ReadFile(shim.bundle() + "/address", 4096), address);
  struct stat info {};
  ASSERT_EQ(::stat((shim.bundle() + "/address").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644U);
  const pid_t first = shim.shim();
  EXPECT_EQ(shim.Start(), address);
  EXPECT_EQ(shim.shim(), first);
  EXPECT_EQ(ReadFile("/proc/" + std::to_string(first) + "/status", 4096)->find("Threads:\t1\n") !=
                std::string::npos,
            true);
}

TEST_F(LoneTest, ALifeByTheProtocol) {
  LoneShim shim(kGood);
  shim.Start();
  TtrpcPeer peer(shim.socket());
  task_v2::ConnectRequest connect;
  connect.set_id("unknown");
  EXPECT_EQ(peer.Call("Connect", connect).code, 0);
  EXPECT_EQ(peer.Call("State", StateRequest()).code, 5);
  const Reply created = peer.Call("Create", shim.CreateRequest());
  ASSERT_EQ(created.code, 0) << created.message;
  task_v2::CreateTaskResponse create;
  ASSERT_TRUE(create.ParseFromString(created.payload));
  EXPECT_EQ(peer.Call("Create", shim.CreateRequest()).code, 6);
  // A Wait from before the start, and one on another connection.
  TtrpcPeer waiter(shim.socket());
  task_v2::WaitRequest wait;
  wait.set_id("task");
  waiter.Send("Wait", wait.SerializeAsString(), "containerd.task.v3.Task");
  task_v2::StartRequest start;
  start.set_id("task");
  EXPECT_EQ(peer.Call("Start", start).code, 0);
  EXPECT_EQ(peer.Call("Start", start).code, 9);
  task_v2::StateResponse state;
  ASSERT_TRUE(state.ParseFromString(peer.Call("State", StateRequest()).payload));
  EXPECT_EQ(state.status(), containerd::v1::types::RUNNING);
  EXPECT_EQ(state.exited_at().seconds(), -62135596800);  // Go's "not yet"
  task_v2::UpdateTaskRequest update;
  update.set_id("task");
  update.mutable_resources()->set_value(R"({"unknown":1})");
  EXPECT_EQ(peer.Call("Update", update).code, 0);
  EXPECT_EQ(ReadFile(shim.bundle() + "/updated", 100), R"({"unknown":1})");
  task_v2::ShutdownRequest shutdown;
  shutdown.set_id("task");
  EXPECT_EQ(peer.Call("Shutdown", shutdown).code, 0);  // a container is left: nothing happens
  task_v2::KillRequest kill;
  kill.set_id("task");
  kill.set_signal(SIGTERM);
  EXPECT_EQ(peer.Call("Kill", kill).code, 0);
  std::uint32_t stream = 0;
  task_v2::WaitResponse waited;
  const Reply told = waiter.Receive(&stream);
  ASSERT_TRUE(waited.ParseFromString(told.payload));
  EXPECT_EQ(waited.exit_status(), 128U + SIGTERM);
  const Reply late = peer.Call("Kill", kill);
  EXPECT_EQ(late.code, 5);
  EXPECT_EQ(late.message, "process already finished: not found");
  task_v2::DeleteRequest remove;
  remove.set_id("task");
  EXPECT_EQ(peer.Call("Delete", remove).code, 0);
  EXPECT_EQ(peer.Call("Delete", remove).code, 5);
  task_v2::PidsRequest pids;
  pids.set_id("task");
  EXPECT_EQ(peer.Call("Pids", pids).code, 5);  // the leak check of containerd 1.7 relies on it
  const std::string socket = shim.socket();
  EXPECT_EQ(peer.Call("Shutdown", shutdown).code, 0);
  EXPECT_NE(::access(socket.c_str(), F_OK), 0) << "the socket must be gone before the answer";
  EXPECT_TRUE(peer.AwaitClose());
  EXPECT_TRUE(Until([&] { return shim.shim() == 0; }));
}

TEST_F(LoneTest, UnknownCallsAndBadRequests) {
  LoneShim shim(kGood);
  shim.Start();
  TtrpcPeer peer(shim.socket());
  std::uint32_t stream = 0;
  peer.Send("NoSuchMethod", "");
  EXPECT_EQ(peer.Receive(&stream).code, 12);
  peer.Send("CreateSandbox", "", "containerd.runtime.sandbox.v1.Sandbox");
  EXPECT_EQ(peer.Receive(&stream).code, 12);
  peer.Send("State", "\xff\xff");
  EXPECT_EQ(peer.Receive(&stream).code, 3);
  task_v2::CreateTaskRequest create = shim.CreateRequest();
  create.set_id("../escape");
  EXPECT_EQ(peer.Call("Create", create).code, 3);
  create = shim.CreateRequest();
  create.mutable_options()->set_type_url("unknown.Options");
  EXPECT_EQ(peer.Call("Create", create).code, 3);
  create = shim.CreateRequest();
  create.set_stdout("/nowhere/at/all");
  const Reply missing = peer.Call("Create", create);
  EXPECT_THAT(missing.message, HasSubstr("/nowhere/at/all"));
  EXPECT_EQ(peer.Call("Create", shim.CreateRequest()).code, 0)
      << "what failed left nothing in the way";
}

TEST_F(LoneTest, AHangingCreateBlocksNobodyAndIsEndedByDelete) {
  LoneShim shim("case $verb in create) exec sleep 1000;; esac");
  shim.Start();
  TtrpcPeer creator(shim.socket());
  const std::uint32_t create_stream =
      creator.Send("Create", shim.CreateRequest().SerializeAsString());
  TtrpcPeer peer(shim.socket());
  ASSERT_TRUE(Until(
      [&] { return Shell("pgrep -f 'sleep 1000' -P " + std::to_string(shim.shim())).code == 0; }));
  const std::int64_t before = NowUnixNs();
  EXPECT_EQ(peer.Call("State", StateRequest()).code, 0);
  EXPECT_LT(NowUnixNs() - before, 1'000'000'000);
  task_v2::DeleteRequest remove;
  remove.set_id("task");
  EXPECT_EQ(peer.Call("Delete", remove).code, 5);
  std::uint32_t stream = 0;
  const Reply created = creator.Receive(&stream);
  EXPECT_EQ(stream, create_stream);
  EXPECT_NE(created.code, 0);
  task_v2::ShutdownRequest shutdown;
  EXPECT_EQ(peer.Call("Shutdown", shutdown).code, 0);
  EXPECT_TRUE(Until([&] { return shim.shim() == 0; }));
}

TEST_F(LoneTest, AHangingCreateIsEndedByAKill) {
  LoneShim shim("case $verb in create) exec sleep 1000;; esac");
  shim.Start();
  TtrpcPeer creator(shim.socket());
  creator.Send("Create", shim.CreateRequest().SerializeAsString());
  ASSERT_TRUE(Until(
      [&] { return Shell("pgrep -f 'sleep 1000' -P " + std::to_string(shim.shim())).code == 0; }));
  TtrpcPeer peer(shim.socket());
  task_v2::KillRequest kill;
  kill.set_id("task");
  kill.set_signal(SIGKILL);
  EXPECT_EQ(peer.Call("Kill", kill).code, 0);
  std::uint32_t stream = 0;
  EXPECT_THAT(creator.Receive(&stream).message, HasSubstr("killed by signal 9"));
  // Dead as any other: waited for, asked for, deleted.
  task_v2::WaitRequest wait;
  wait.set_id("task");
  task_v2::WaitResponse waited;
  ASSERT_TRUE(waited.ParseFromString(peer.Call("Wait", wait).payload));
  EXPECT_EQ(waited.exit_status(), 137U);
  task_v2::StateResponse state;
  ASSERT_TRUE(state.ParseFromString(peer.Call("State", StateRequest()).payload));
  EXPECT_EQ(state.status(), containerd::v1::types::STOPPED);
  task_v2::DeleteRequest remove;
  remove.set_id("task");
  EXPECT_EQ(peer.Call("Delete", remove).code, 0);
  EXPECT_EQ(peer.Call("State", StateRequest()).code, 5);
}

TEST_F(LoneTest, AForgottenShimLeaves) {
  LoneShim shim(kGood);
  shim.Start();
  const std::string socket = shim.socket();
  const pid_t pid = shim.shim();
  ASSERT_GT(pid, 0);
  Shell("rm -r " + shim.bundle());
  EXPECT_TRUE(Until([&] { return shim.shim() == 0; })) << "a shim without a bundle stays";
  EXPECT_NE(::access(socket.c_str(), F_OK), 0);
}

TEST_F(LoneTest, ARuntimeThatPrintsGarbage) {
  LoneShim shim(
      "case $verb in create) head -c 1000000 /dev/urandom > $log; head -c 1000000 /dev/urandom; "
      "exit 1;; esac");
  shim.Start();
  TtrpcPeer peer(shim.socket());
  const Reply reply = peer.Call("Create", shim.CreateRequest());
  EXPECT_EQ(reply.code, 2);
  EXPECT_THAT(reply.message, StartsWith("OCI runtime create failed: "));
}

TEST_F(LoneTest, ARuntimeThatSaysNoPid) {
  LoneShim shim("case $verb in create) echo -n nonsense > $pidfile;; esac");
  shim.Start();
  TtrpcPeer peer(shim.socket());
  EXPECT_THAT(peer.Call("Create", shim.CreateRequest()).message, HasSubstr("wrote no pid"));
}

TEST_F(LoneTest, AFirstProcessThatDiesBeforeItsPidIsRead) {
  // It is dead, and perhaps reaped, while `create` still runs.
  LoneShim shim(
      "case $verb in create) sh -c 'echo -n $$ > '$pidfile'; exit 6' & exec 2>/dev/null; "
      "sh -c 'sleep 0.2';; esac");
  shim.Start();
  TtrpcPeer peer(shim.socket());
  const Reply created = peer.Call("Create", shim.CreateRequest());
  ASSERT_EQ(created.code, 0) << created.message;
}

TEST_F(LoneTest, ExecsEndBeforeTheirContainer) {
  LoneShim shim(kGood);
  shim.Start();
  TtrpcPeer peer(shim.socket());
  ASSERT_EQ(peer.Call("Create", shim.CreateRequest()).code, 0);
  task_v2::StartRequest start;
  start.set_id("task");
  ASSERT_EQ(peer.Call("Start", start).code, 0);
  task_v2::ExecProcessRequest exec;
  exec.set_id("task");
  exec.set_exec_id("e1");
  EXPECT_EQ(peer.Call("Exec", exec).code, 3);  // no process
  exec.mutable_spec()->set_value("{}");
  EXPECT_EQ(peer.Call("Exec", exec).code, 0);
  EXPECT_EQ(peer.Call("Exec", exec).code, 6);
  exec.set_exec_id("../x");
  EXPECT_EQ(peer.Call("Exec", exec).code, 3);
  exec.set_exec_id("init");
  EXPECT_EQ(peer.Call("Exec", exec).code, 3);
  task_v2::KillRequest kill;
  kill.set_id("task");
  kill.set_exec_id("e1");
  kill.set_signal(SIGKILL);
  EXPECT_EQ(peer.Call("Kill", kill).code, 9);  // not started
  start.set_exec_id("e1");
  EXPECT_EQ(peer.Call("Start", start).code, 0);
  task_v2::DeleteRequest remove;
  remove.set_id("task");
  remove.set_exec_id("e1");
  EXPECT_EQ(peer.Call("Delete", remove).code, 9);
  EXPECT_EQ(peer.Call("Kill", kill).code, 0);
  task_v2::WaitRequest wait;
  wait.set_id("task");
  wait.set_exec_id("e1");
  task_v2::WaitResponse waited;
  ASSERT_TRUE(waited.ParseFromString(peer.Call("Wait", wait).payload));
  EXPECT_EQ(waited.exit_status(), 137U);
  EXPECT_EQ(peer.Call("Delete", remove).code, 0);
  EXPECT_EQ(::access((shim.bundle() + "/e1.pid").c_str(), F_OK), -1);
  kill.clear_exec_id();
  EXPECT_EQ(peer.Call("Kill", kill).code, 0);
}

TEST_F(LoneTest, ManyWaitsAndManyConnections) {
  LoneShim shim(kGood);
  shim.Start();
  TtrpcPeer peer(shim.socket());
  ASSERT_EQ(peer.Call("Create", shim.CreateRequest()).code, 0);
  task_v2::WaitRequest wait;
  wait.set_id("task");
  TtrpcPeer waiter(shim.socket());
  for (int i = 0; i < 1000; ++i) waiter.Send("Wait", wait.SerializeAsString());
  std::vector<TtrpcPeer> idle;
  for (int i = 0; i < 100; ++i) {
    idle.emplace_back(shim.socket());
    idle.back().SendRaw(std::string("\0\0\1", 3));  // half a header
  }
  task_v2::KillRequest kill;
  kill.set_id("task");
  kill.set_signal(SIGKILL);
  EXPECT_EQ(peer.Call("Kill", kill).code, 0);
  for (int i = 0; i < 1000; ++i) {
    std::uint32_t stream = 0;
    ASSERT_TRUE(waiter.Receive(&stream).received) << i;
  }
}

TEST_F(LoneTest, DeleteWorksOnABundleThatNothingEverRanIn) {
  LoneShim shim(kGood);
  task_v2::DeleteResponse response;
  ASSERT_TRUE(response.ParseFromString(shim.Delete()));
  EXPECT_EQ(response.exit_status(), 137U);
  EXPECT_GT(response.exited_at().seconds(), 0);
}

TEST_F(LoneTest, DeleteAfterTheShimWasKilled) {
  // The runtime's `delete --force` ends the container, as runc's does.
  LoneShim shim(std::string(kGood) +
                "; case $verb in delete) echo called > deleted; kill -9 $(cat init.pid);; esac");
  shim.Start();
  {
    TtrpcPeer peer(shim.socket());
    ASSERT_EQ(peer.Call("Create", shim.CreateRequest()).code, 0);
  }
  const std::string init = ReadFile(shim.bundle() + "/init.pid", 64).value_or("");
  const std::string root = "/run/containerd/runc/lone";
  Shell("mkdir -p " + root + "/task");
  ::kill(shim.shim(), SIGKILL);
  ASSERT_TRUE(Until([&] { return shim.shim() == 0; }));
  const std::string socket = shim.socket();
  task_v2::DeleteResponse response;
  ASSERT_TRUE(response.ParseFromString(shim.Delete()));
  EXPECT_EQ(std::to_string(response.pid()), init);
  EXPECT_EQ(ReadFile(shim.bundle() + "/deleted", 100), "called\n");
  EXPECT_NE(::access(socket.c_str(), F_OK), 0) << "a dead socket is left";
  Shell("rm -rf " + root);
}

TEST_F(LoneTest, SigtermEndsItInOrder) {
  LoneShim shim(kGood);
  shim.Start();
  const std::string socket = shim.socket();
  ::kill(shim.shim(), SIGTERM);
  EXPECT_TRUE(Until([&] { return shim.shim() == 0; }));
  EXPECT_NE(::access(socket.c_str(), F_OK), 0);
}

TEST_F(LoneTest, VersionAndInfo) {
  EXPECT_THAT(Shell(VORTEX_SHIM " -v").text, StartsWith("containerd-shim-vortex-v2 "));
  const Output info = Shell(VORTEX_SHIM " -info < /dev/null");
  EXPECT_EQ(info.code, 0);
  EXPECT_THAT(info.text, HasSubstr("io.containerd.vortex.v2"));
  EXPECT_EQ(Shell(VORTEX_SHIM).code, 2);
}

TEST_F(LoneTest, KataIsHandedOver) {
  LoneShim shim(kGood);
  ASSERT_EQ(WriteFileAtomic(shim.bundle() + "/config.json",
                            R"({"annotations":{"io.vortex.runtime-class":"kata"}})", 0644),
            0);
  EXPECT_THAT(shim.Start(),
              HasSubstr("containerd-shim-kata-v2 is neither in $PATH nor below /opt/kata"));
  // Another shim of that name gets everything as it is.
  const std::string path = shim.bundle() + "/../containerd-shim-kata-v2";
  ASSERT_EQ(WriteFileAtomic(path, "#!/bin/sh\nprintf 'unix:///kata %s' \"$*\"\n", 0755), 0);
  EXPECT_THAT(shim.Start(), StartsWith("unix:///kata -namespace lone"));
  EXPECT_EQ(ReadFile(shim.bundle() + "/vortex-class", 100), "kata");
  EXPECT_THAT(shim.Delete(), HasSubstr("-bundle"));
}

}  // namespace
}  // namespace vortex::shim::testing
