// SPDX-License-Identifier: Apache-2.0
// What ctr does less often, and the calls that it has no word for, made at the shim's own socket.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "google/protobuf/any.pb.h"
#include "integration/shim/ctr_fixture.h"
#include "integration/shim/lone_shim.h"
#include "shim/cgroup.h"
#include "shim/files.h"

namespace vortex::shim::testing {
namespace {

namespace task_v2 = ::containerd::task::v2;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using OperationsTest = CtrTest;

TEST_F(OperationsTest, Attach) {
  ASSERT_EQ(Run("-d", "a", "count").code, 0);
  const Output output =
      Shell("{ " + CtrCommand("task attach a") + "; echo status $?; } > " + Dir() +
            "/out 2>&1 & tries=0; while ! grep -q 'count' " + Dir() +
            "/out && [ $tries -lt 200 ]; do sleep 0.1; tries=$((tries+1)); done; " +
            CtrCommand("task kill a") + "; wait; cat " + Dir() + "/out");
  EXPECT_THAT(output.text, HasSubstr("count "));
  EXPECT_THAT(output.text, HasSubstr("status 9\n"));
  Ctr("task rm a");
}

TEST_F(OperationsTest, Metrics) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  const Output table = Ctr("task metrics a");
  EXPECT_EQ(table.code, 0) << table.text;
  EXPECT_THAT(table.text, AnyOf(HasSubstr("memory.usage_in_bytes"), HasSubstr("memory.usage")));
  EXPECT_THAT(table.text, HasSubstr("pids.current"));
  EXPECT_EQ(Ctr("task metrics --format json a").code, 0);
  Ctr("task rm -f a");
  EXPECT_NE(Ctr("task metrics a").code, 0);
}

TEST_F(OperationsTest, UpdateChangesTheKernelsLimit) {
  ASSERT_EQ(Run("-d --memory-limit 67108864", "a", "sleep 1000").code, 0);
  const Cgroup cgroup = Cgroup::OfProcess(InitOf("a"));
  const auto limit = [&] {
    return Shell(
               "cat $(awk -F: '$2==\"memory\"{print \"/sys/fs/cgroup/memory\" $3 "
               "\"/memory.limit_in_bytes\"} $1==0{print \"/sys/fs/cgroup\" $3 \"/memory.max\"}' "
               "/proc/" +
               std::to_string(InitOf("a")) + "/cgroup) 2>/dev/null | head -1")
        .text;
  };
  EXPECT_EQ(limit(), "67108864\n");
  TtrpcPeer peer(SocketOf("a"));
  ASSERT_TRUE(peer.connected());
  task_v2::UpdateTaskRequest update;
  update.set_id("a");
  update.mutable_resources()->set_type_url(
      "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources");
  update.mutable_resources()->set_value(R"({"memory":{"limit":134217728}})");
  const Reply reply = peer.Call("Update", update);
  EXPECT_EQ(reply.code, 0) << reply.message;
  EXPECT_EQ(limit(), "134217728\n");
  Ctr("task rm -f a");
}

TEST_F(OperationsTest, AResizedTerminalTellsItsProcess) {
  const Output started = ShellOnTerminal(RunCommand("-d -t", "a", "winsize"));
  ASSERT_EQ(started.code, 0) << started.text;
  TtrpcPeer peer(SocketOf("a"));
  task_v2::ResizePtyRequest resize;
  resize.set_id("a");
  resize.set_width(132);
  resize.set_height(43);
  EXPECT_EQ(peer.Call("ResizePty", resize).code, 0);
  ASSERT_TRUE(Until([this] { return StateOf("a") == "STOPPED"; }));
  EXPECT_THAT(Ctr("task rm a").text, HasSubstr("code 7"));
  resize.set_exec_id("none");
  EXPECT_NE(peer.Call("ResizePty", resize).code, 0);
}

TEST_F(OperationsTest, CheckpointOrWhyNot) {
  ASSERT_EQ(Run("-d", "a", "sleep 1000").code, 0);
  const Output output = Ctr("task checkpoint --image-path " + Dir() + "/image a");
  if (Shell("command -v criu").code != 0) {
    EXPECT_NE(output.code, 0);
    EXPECT_THAT(output.text, HasSubstr("criu"));
    EXPECT_EQ(StateOf("a"), "RUNNING") << "what cannot be dumped goes on";
  } else {
    EXPECT_EQ(output.code, 0) << output.text;
  }
  Ctr("task rm -f a");
}

TEST_F(OperationsTest, AFullDiskIsNamedAndLeavesNothing) {
  const std::string state = Dir() + "/state";
  containerd().Kill9();
  ASSERT_EQ(::mount("tmpfs", state.c_str(), "tmpfs", 0, "size=128k,mode=711"), 0);
  ASSERT_TRUE(containerd().Restart().ok());
  EXPECT_EQ(Run("--rm", "a", "exit 3").code, 3);
  Shell("cat /dev/zero > " + state + "/filler 2>/dev/null");
  const Output full = Run("--rm", "b", "true");
  EXPECT_NE(full.code, 0);
  EXPECT_THAT(full.text, HasSubstr("no space left on device"));
  // With room for the bundle alone, it is the shim that has none.
  Shell("truncate -s -8192 " + state + "/filler");
  const Output nearly = Run("--rm", "c", "true");
  EXPECT_NE(nearly.code, 0);
  EXPECT_THAT(nearly.text,
              AnyOf(HasSubstr("no space left on device"), HasSubstr("No space left on device")));
  Shell("rm " + state + "/filler");
  EXPECT_EQ(Run("--rm", "d", "exit 4").code, 4);
  EXPECT_TRUE(Until([this] { return Shims().empty(); }));
  containerd().Kill9();
  EXPECT_EQ(::umount2(state.c_str(), 0), 0);
  ASSERT_TRUE(containerd().Restart().ok());
}

}  // namespace
}  // namespace vortex::shim::testing
