// SPDX-License-Identifier: Apache-2.0
// A gVisor sandbox is saved and goes on elsewhere: the protocol alone, as containerd speaks it.
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "containerd/runc/v1/options.pb.h"
#include "containerd/services/ttrpc/events/v1/events.pb.h"
#include "integration/shim/ctr_fixture.h"
#include "integration/shim/lone_shim.h"
#include "shim/files.h"
#include "shim/socket_path.h"
#include "shim/ttrpc_server.h"

namespace vortex::shim::testing {
namespace {

namespace task_v2 = ::containerd::task::v2;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Takes events as containerd does, and keeps their topics.
class EventSink {
 public:
  EventSink() {
    char pattern[] = "/tmp/vortex-sink-XXXXXX";
    dir_ = ::mkdtemp(pattern);
    base::UniqueFd listener;
    bool in_use = false;
    EXPECT_TRUE(ListenOrFind(path(), &listener, &in_use).ok());
    server_ = std::make_unique<TtrpcServer>(&loop_, std::move(listener), [this](Call call) {
      containerd::services::events::ttrpc::v1::ForwardRequest request;
      request.ParseFromString(call.payload);
      const std::lock_guard lock(mutex_);
      topics_.push_back(request.envelope().topic());
      server_->Reply(call.id, Ok(), "");
    });
    thread_ = std::thread([this] {
      while (!stop_) loop_.Turn(50);
    });
  }
  ~EventSink() {
    stop_ = true;
    thread_.join();
    ::unlink(path().c_str());
    ::rmdir(dir_.c_str());
  }
  std::string path() const { return dir_ + "/s"; }
  std::vector<std::string> topics() {
    const std::lock_guard lock(mutex_);
    return topics_;
  }

 private:
  std::string dir_;
  base::EventLoop loop_;
  std::unique_ptr<TtrpcServer> server_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::vector<std::string> topics_;
  std::thread thread_;
};

class CheckpointTest : public LoneTest {
 protected:
  void SetUp() override {
    LoneTest::SetUp();
    if (IsSkipped()) return;
    if (Shell("command -v runsc").code != 0) GTEST_SKIP() << "runsc is not installed";
    shim_ = std::make_unique<LoneShim>("exit 1", sink_.path());
    Shell("mkdir " + Bundle() + "/rootfs " + Bundle() + "/image && cp " VORTEX_TEST_PAYLOAD " " +
          Bundle() + "/rootfs/work");
    cgroup_ = "vortex-lone-" + std::to_string(::getpid());
  }
  void TearDown() override {
    if (!shim_) return;
    Shell("runsc --root /run/containerd/runsc/lone delete --force task");
    shim_.reset();
    Shell("rmdir /run/containerd/runsc/lone; rmdir /sys/fs/cgroup/*/" + cgroup_ +
          "/* /sys/fs/cgroup/*/" + cgroup_);
  }

  std::string Bundle() const { return shim_->bundle(); }
  std::string Report() const { return Bundle() + "/report"; }
  // Its words, and the limit of memory in bytes.
  void Start(const std::string& words, long memory) {
    const std::string config =
        R"({"ociVersion":"1.0.2","process":{"user":{"uid":0,"gid":0},"args":["/work",)" + words +
        R"(],"env":["PATH=/"],"cwd":"/","capabilities":{}},"root":{"path":"rootfs"},)"
        R"("mounts":[{"destination":"/proc","type":"proc","source":"proc"}],"linux":{)"
        R"("cgroupsPath":"/)" +
        cgroup_ + R"(/task","resources":{"memory":{"limit":)" + std::to_string(memory) +
        R"(}},"namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"mount"},)"
        R"({"type":"network"}]}})";
    ASSERT_EQ(WriteFileAtomic(Bundle() + "/config.json", config, 0644), 0);
    shim_->Start();
    peer_ = std::make_unique<TtrpcPeer>(shim_->socket(), 40);
    Create("");
    Named("Start");
  }
  void Create(const std::string& checkpoint) {
    task_v2::CreateTaskRequest request = shim_->CreateRequest();
    request.set_stdout("file://" + Bundle() + "/out");
    request.set_checkpoint(checkpoint);
    containerd::runc::v1::Options options;
    options.set_binary_name("runsc");
    request.mutable_options()->set_type_url("containerd.runc.v1.Options");
    request.mutable_options()->set_value(options.SerializeAsString());
    const Reply reply = peer_->Call("Create", request);
    ASSERT_EQ(reply.code, 0) << reply.message;
  }
  Reply Named(const std::string& method) {
    task_v2::StateRequest request;  // all of them have the id as their first field
    request.set_id("task");
    const Reply reply = peer_->Call(method, request);
    EXPECT_EQ(reply.code, 0) << method << ": " << reply.message;
    return reply;
  }
  Reply Checkpoint(bool exit) {
    containerd::runc::v1::CheckpointOptions options;
    options.set_exit(exit);
    task_v2::CheckpointTaskRequest request;
    request.set_id("task");
    request.set_path(Bundle() + "/image");
    request.mutable_options()->set_type_url("containerd.runc.v1.CheckpointOptions");
    request.mutable_options()->set_value(options.SerializeAsString());
    return peer_->Call("Checkpoint", request);
  }
  unsigned ExitStatus() {
    task_v2::WaitResponse response;
    response.ParseFromString(Named("Wait").payload);
    return response.exit_status();
  }
  std::string Out() const { return ReadFile(Bundle() + "/out", 1 << 20).value_or(""); }
  int Counted() const {
    const std::string out = Out();
    const std::size_t at = out.rfind("count ");
    return at == std::string::npos ? -1 : ::atoi(out.c_str() + at + 6);
  }

  EventSink sink_;
  std::unique_ptr<LoneShim> shim_;
  std::unique_ptr<TtrpcPeer> peer_;
  std::string cgroup_;
};

TEST_F(CheckpointTest, WhatIsSavedGoesOnWhereItWas) {
  Start("\"count\"", 500'000'000);
  ASSERT_TRUE(Until([this] { return Counted() > 2; })) << Out();
  const Reply staying = Checkpoint(false);
  EXPECT_EQ(staying.code, 12) << staying.message;
  EXPECT_THAT(staying.message, HasSubstr("ask for exit"));
  const int before = Counted();
  EXPECT_TRUE(Until([&] { return Counted() > before; })) << "it goes on";
  // As containerd's client does it.
  Named("Pause");
  const Reply saved = Checkpoint(true);
  ASSERT_EQ(saved.code, 0) << saved.message;
  EXPECT_EQ(ExitStatus(), 0U);
  const int at_end = Counted();
  Named("Delete");

  const std::int64_t begin = NowUnixNs();
  Create(Bundle() + "/image");
  const Reply started = Named("Start");
  task_v2::StartResponse start;
  ASSERT_TRUE(start.ParseFromString(started.payload));
  EXPECT_GT(start.pid(), 0U);
  printf("restore: %lld ms\n", static_cast<long long>((NowUnixNs() - begin) / 1'000'000));
  ASSERT_TRUE(Until([&] { return Counted() > at_end; })) << Out();
  // No second zero: it is the same program.
  EXPECT_EQ(Out().find("count 0\n"), Out().rfind("count 0\n"));
  task_v2::KillRequest kill;
  kill.set_id("task");
  kill.set_signal(SIGTERM);
  EXPECT_EQ(peer_->Call("Kill", kill).code, 0);
  EXPECT_EQ(ExitStatus(), 9U);
  Named("Delete");
}

TEST_F(CheckpointTest, OutOfMemoryAfterARestoreIsSeen) {
  Start("\"hoard\",\"40\"", 120'000'000);
  ASSERT_TRUE(Until([this] { return Counted() > 2; })) << Out();
  const Reply saved = Checkpoint(true);
  ASSERT_EQ(saved.code, 0) << saved.message;
  EXPECT_EQ(ExitStatus(), 0U);
  Named("Delete");
  Create(Bundle() + "/image");
  Named("Start");
  EXPECT_EQ(ExitStatus(), 137U);
  Named("Delete");
  EXPECT_TRUE(Until([this] { return sink_.topics().size() >= 10; }));
  EXPECT_THAT(sink_.topics(),
              ElementsAre("/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/checkpointed",
                          "/tasks/delete", "/tasks/create", "/tasks/start", "/tasks/oom",
                          "/tasks/exit", "/tasks/delete"));
}

}  // namespace
}  // namespace vortex::shim::testing
