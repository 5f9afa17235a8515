// SPDX-License-Identifier: Apache-2.0
#include "integration/client/client_test_base.h"

#include <filesystem>

#include "base/files.h"

namespace vortex::client {

std::unique_ptr<PrivateContainerd> ClientTest::containerd_;

void ClientTest::SetUpTestSuite() {
  if (!vortex::testing::WhyNoContainerd().empty()) return;
  VX_ASSERT_OK_AND_ASSIGN(containerd_, PrivateContainerd::Start());
  const std::filesystem::path rootfs = containerd_->dir() + "/payload-root";
  for (const char* dir : {"proc", "dev", "sys"}) std::filesystem::create_directories(rootfs / dir);
  std::filesystem::copy_file(VORTEX_TEST_PAYLOAD, rootfs / "payload");
}

void ClientTest::TearDownTestSuite() { containerd_.reset(); }

void ClientTest::SetUp() {
  SKIP_WITHOUT_CONTAINERD();
  ASSERT_NE(containerd_, nullptr);
  namespace_ = "test-" + base::RandomHex(4);
  client_ = Connect(namespace_);
  ASSERT_NE(client_, nullptr);
  lease_ = "of-" + namespace_;
  ASSERT_THAT(client_->leases().Create(lease_), IsOk());
}

void ClientTest::TearDown() {
  // By hand, so that a killed containerd of one test does not disturb the next.
  if (containerd_ != nullptr && containerd_->pid() < 0) {
    EXPECT_THAT(containerd_->Restart(), IsOk());
  }
}

std::shared_ptr<Client> ClientTest::Connect(const std::string& containerd_namespace) {
  auto client = Client::Connect({.address = containerd_->address(),
                                 .containerd_namespace = containerd_namespace,
                                 .timeout = kLong});
  EXPECT_THAT(client, IsOk());
  return client.ok() ? *client : nullptr;
}

std::string ClientTest::ProcessJson(const std::vector<std::string>& args) {
  std::string list = "\"/payload\"";
  for (const auto& arg : args) list += ",\"" + arg + "\"";
  return R"({"user":{"uid":0,"gid":0},"args":[)" + list + R"(],"cwd":"/","noNewPrivileges":true})";
}

std::string ClientTest::MakeContainer(const std::vector<std::string>& args) {
  const std::string id = "c-" + base::RandomHex(6);
  const std::string spec = R"({"ociVersion":"1.0.2","process":)" + ProcessJson(args) +
                           R"(,"root":{"path":"rootfs","readonly":true},"mounts":[
          {"destination":"/proc","type":"proc","source":"proc"},
          {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid"]},
          {"destination":"/dev/pts","type":"devpts","source":"devpts",
           "options":["newinstance","ptmxmode=0666"]}],
        "linux":{"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"},
          {"type":"network"}],"resources":{"memory":{"limit":67108864}},
          "cgroupsPath":"/)" +
                           namespace_ + "/" + id + R"("}})";
  EXPECT_THAT(client_->containers().Create({.id = id,
                                            .labels = {{"test", namespace_}},
                                            .runtime_name = "io.containerd.runc.v2",
                                            .spec = {.type_url = kOciSpecTypeUrl, .value = spec}}),
              IsOk());
  return id;
}

std::vector<Mount> ClientTest::Rootfs() {
  return {
      {.type = "bind", .source = containerd_->dir() + "/payload-root", .options = {"rbind", "ro"}}};
}

std::string ClientTest::MakeTask(const std::vector<std::string>& args) {
  const std::string id = MakeContainer(args);
  EXPECT_THAT(client_->tasks().Create({.container_id = id, .rootfs = Rootfs()}, {.timeout = kLong}),
              IsOk());
  return id;
}

std::string ClientTest::StartTask(const std::vector<std::string>& args) {
  const std::string id = MakeTask(args);
  EXPECT_THAT(client_->tasks().Start(id, "", {.timeout = kLong}), IsOk());
  return id;
}

}  // namespace vortex::client
