// SPDX-License-Identifier: Apache-2.0
// A real character device of this machine, granted by a CDI name: who has the grant opens it, as
// far as the file's permissions go, and nobody else does. Under gVisor it is refused by name.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "integration/sandbox/sandbox_fixture.h"
#include "integration/sandbox/vortexctl.h"

namespace vortex::testing {
namespace {

using nlohmann::json;
using sandbox::Cause;
using ::testing::HasSubstr;

// fuse(4): no runtime gives it by itself, and opening it does nothing.
constexpr unsigned kMajor = 10, kMinor = 229;

constexpr char kName[] = "vendor.test/gpu=fake0";

class Devices : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (::access("/dev/fuse", F_OK) != 0) GTEST_SKIP() << "this machine has no /dev/fuse";
    node_ = "/dev/vortex-test-" + std::to_string(::getpid());
    ASSERT_EQ(::mknod(node_.c_str(), S_IFCHR | 0600, makedev(kMajor, kMinor)), 0)
        << std::strerror(errno);
    ASSERT_EQ(::chmod(node_.c_str(), 0666), 0);
    cdi_ = containerd().dir() + "/cdi";
    ASSERT_TRUE(base::MakeDirs(cdi_, 0755).ok());
  }
  void TearDown() override {
    if (!node_.empty()) ::unlink(node_.c_str());
    if (!cdi_.empty()) base::RemoveTree(cdi_).IgnoreError();
    SandboxTest::TearDown();
  }

  // One file with one device, fake0, of these edits (JSON).
  void Define(const std::string& edits) {
    ASSERT_TRUE(base::WriteFileAtomic(cdi_ + "/vendor.json",
                                      R"({"cdiVersion": "0.6.0", "kind": "vendor.test/gpu", )"
                                      R"("devices": [{"name": "fake0", "containerEdits": )" +
                                          edits + "}]}\n",
                                      0644)
                    .ok());
  }
  void DefineNode(const std::string& path, const std::string& more = "") {
    Define(R"({"deviceNodes": [{"path": ")" + path + R"(", "hostPath": ")" + node_ + "\"" + more +
           "}]}");
  }

  sandbox::EmbeddedOptions Node(bool allowed = true) {
    sandbox::EmbeddedOptions out = options();
    out.cdi_dirs = {cdi_};
    const std::string text =
        std::string(
            "version: 1\nallow_untrusted: true\n"
            "untrusted: {runtime_classes: [runc, crun, gvisor, kata]}\n") +
        (allowed ? "allow:\n- {plugin: device-probe, reason: a test, expires: never, gpus: "
                   "[\"vendor.test/gpu=fake0\"]}\n"
                 : "");
    const std::string file = containerd().dir() + "/devices-policy.yaml";
    EXPECT_TRUE(base::WriteFileAtomic(file, text, 0644).ok());
    const auto policy = policy::ParsePolicy(text, file);
    EXPECT_TRUE(policy.ok()) << policy.status();
    if (policy.ok()) out.policy = *policy;
    return out;
  }

  sandbox::SandboxResult RunProbe(const json& payload, bool allowed = true) {
    auto runner = sandbox::CreateEmbeddedRunner(Node(allowed));
    EXPECT_TRUE(runner.ok()) << runner.status();
    if (!runner.ok()) return {};
    auto result = (*runner)->Run({.plugin = Plugin("device-probe"), .payload = payload.dump()});
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : sandbox::SandboxResult();
  }

  json Seen(const json& payload) {
    const auto result = RunProbe(payload);
    EXPECT_EQ(result.termination.cause, Cause::kOk) << Describe(result);
    return json::parse(result.output, nullptr, false);
  }

  static bool IsGvisor() { return ClassUnderTest() == oci::RuntimeClass::kGvisor; }

  std::string node_;  // on the host, open to all
  std::string cdi_;
};

#define ONLY_WITH_HOST_DEVICES() \
  if (IsGvisor()) GTEST_SKIP() << "gvisor honours no host devices; see WhatAClassCannotHonour"

TEST_F(Devices, WhoHasTheGrantOpensTheNodeUnderItsNameInside) {
  ONLY_WITH_HOST_DEVICES();
  DefineNode("/dev/gpu0");
  const json seen = Seen({{"open", {"/dev/gpu0 r", "/dev/gpu0 rw", node_ + " r"}},
                          {"mknod", {"/dev/shm/x", kMajor, kMinor}}});
  EXPECT_EQ(seen["open"]["/dev/gpu0 r"], "ok") << seen;
  EXPECT_EQ(seen["open"]["/dev/gpu0 rw"], "ok") << seen;
  EXPECT_EQ(seen["open"][node_ + " r"], "ENOENT") << seen;
  EXPECT_NE(seen["mknod"], "ok") << seen;
}

TEST_F(Devices, TheSamePathInsideIsLeftToTheRuntime) {
  ONLY_WITH_HOST_DEVICES();
  Define(R"({"deviceNodes": [{"path": ")" + node_ + "\"}]}");
  const json seen = Seen({{"open", {node_ + " rw"}}});
  EXPECT_EQ(seen["open"][node_ + " rw"], "ok") << seen;
}

// The node is there, and its mode lets everybody: what refuses is the device cgroup.
TEST_F(Devices, ReadOnlyIsEnforcedByTheCgroup) {
  ONLY_WITH_HOST_DEVICES();
  for (const std::string& path : {std::string("/dev/gpu0"), node_}) {
    DefineNode(path, R"(, "permissions": "r")");
    const json seen = Seen({{"open", {path + " r", path + " w", path + " rw"}}});
    EXPECT_EQ(seen["open"][path + " r"], "ok") << seen;
    EXPECT_EQ(seen["open"][path + " w"], "EPERM") << seen;
    EXPECT_EQ(seen["open"][path + " rw"], "EPERM") << seen;
  }
}

TEST_F(Devices, NobodyElseHasIt) {
  DefineNode("/dev/gpu0");
  const auto denied = RunProbe({}, false);
  EXPECT_EQ(denied.termination.cause, Cause::kPolicyDenied) << Describe(denied);
  EXPECT_THAT(denied.termination.message, HasSubstr("[gpus.not-allowlisted]"));
  auto runner = sandbox::CreateEmbeddedRunner(Node());
  ASSERT_TRUE(runner.ok());
  const auto other =
      (*runner)->Run({.plugin = Plugin("fs-probe"), .payload = R"({"read": ["/dev/gpu0"]})"});
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_THAT(other->output, HasSubstr("ENOENT")) << Describe(*other);
}

TEST_F(Devices, LibrariesAreMountedAndFoundByTheirNames) {
  ONLY_WITH_HOST_DEVICES();
  std::string library;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/x86_64-linux-gnu")) {
    const std::string name = entry.path().filename();
    if (name.starts_with("libseccomp.so.2.") && !entry.is_symlink()) library = entry.path();
  }
  if (library.empty()) GTEST_SKIP() << "no libseccomp.so.2.* on this machine";
  const std::string inside =
      "/usr/lib/x86_64-linux-gnu/" + std::filesystem::path(library).filename().string();
  Define(R"({"deviceNodes": [{"path": "/dev/gpu0", "hostPath": ")" + node_ +
         R"("}], "env": ["GPU_MODE=test"], "mounts": [{"hostPath": ")" + library +
         R"(", "containerPath": ")" + inside + R"(", "options": ["ro", "nosuid", "nodev", "bind"]}],
         "hooks": [{"hookName": "createContainer", "path": "/usr/bin/nvidia-cdi-hook", "args":
         ["nvidia-cdi-hook", "create-symlinks", "--link",
          "libseccomp.so.2::/usr/lib/x86_64-linux-gnu/libgpu.so"]},
         {"hookName": "createContainer", "path": "/usr/bin/nvidia-cdi-hook",
          "args": ["nvidia-cdi-hook", "update-ldcache", "--folder", "/usr/lib"]}]})");
  const json seen = Seen({{"load", {"libseccomp.so.2", "libgpu.so"}},
                          {"env", {"GPU_MODE", "LD_LIBRARY_PATH"}},
                          {"open", {"/mnt/cdi" + inside + " r", "/mnt/cdi" + inside + " w"}}});
  EXPECT_EQ(seen["load"]["libseccomp.so.2"], "ok") << seen;
  EXPECT_EQ(seen["load"]["libgpu.so"], "ok") << seen;
  EXPECT_EQ(seen["env"]["GPU_MODE"], "test");
  EXPECT_EQ(seen["env"]["LD_LIBRARY_PATH"], "/mnt/cdi/usr/lib/x86_64-linux-gnu");
  EXPECT_EQ(seen["open"]["/mnt/cdi" + inside + " r"], "ok");
  EXPECT_NE(seen["open"]["/mnt/cdi" + inside + " w"], "ok");
}

TEST_F(Devices, WhatAClassCannotHonourIsRefusedByName) {
  DefineNode("/dev/gpu0");
  const auto result = RunProbe({{"open", {"/dev/gpu0 r"}}});
  if (!IsGvisor()) {
    EXPECT_EQ(result.termination.cause, Cause::kOk) << Describe(result);
    return;
  }
  EXPECT_EQ(result.termination.cause, Cause::kSandboxUnavailable) << Describe(result);
  EXPECT_THAT(result.termination.message,
              HasSubstr("runtime class gvisor cannot honour devices: vendor.test/gpu=fake0"));
}

TEST_F(Devices, ANameThatTheNodeDoesNotHaveIsToldWithWhatItHas) {
  ONLY_WITH_HOST_DEVICES();
  auto result = RunProbe({});
  EXPECT_EQ(result.termination.cause, Cause::kSandboxUnavailable) << Describe(result);
  EXPECT_THAT(
      result.termination.message,
      HasSubstr("[gpus.unresolved] vendor.test/gpu=fake0: this node has no such CDI device"));
  ::chmod(node_.c_str(), 0660);
  DefineNode("/dev/gpu0");
  result = RunProbe({});
  EXPECT_EQ(result.termination.cause, Cause::kSandboxUnavailable) << Describe(result);
  EXPECT_THAT(result.termination.message, HasSubstr("has mode 0660"));
  EXPECT_TRUE(result.spec_json.empty());
}

TEST_F(Devices, DoctorPolicyAndSpecTellOfDevices) {
  DefineNode("/dev/gpu0");
  ASSERT_TRUE(base::WriteFileAtomic(cdi_ + "/bad.yaml", "cdiVersion: 9.9.9\n", 0644).ok());
  sandbox::EmbeddedOptions node = Node();
  const std::string policy = node.policy.file;
  Ended ended = RunVortexctl(node, {"--cdi-dir", cdi_, "doctor"});
  EXPECT_THAT(ended.out, HasSubstr(std::string(kName) + " (" + cdi_ + "/vendor.json)"));
  EXPECT_THAT(ended.out, HasSubstr("bad.yaml:1:1: kind is missing"));

  ended = RunVortexctl(node, {"--cdi-dir", cdi_, "policy", "check", policy});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_THAT(ended.out, ::testing::Not(HasSubstr("no such CDI device"))) << ended.out;
  ended = RunVortexctl(node, {"--cdi-dir", cdi_ + "-none", "policy", "check", policy});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_THAT(ended.out,
              HasSubstr(":5: allow: this node has no such CDI device now: " + std::string(kName)));
  if (IsGvisor()) return;
  ended = RunVortexctl(node, {"--cdi-dir", cdi_, "policy", "explain", Plugin("device-probe")});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr(node_ + " of the host, c 10:229, rw"));

  // The review of what is generated: the device is named, and nothing is critical.
  const std::string spec = containerd().dir() + "/device-spec.json";
  ended = RunVortexctl(
      node, {"--cdi-dir", cdi_, "spec", "--plugin", Plugin("device-probe"), "--spec-out", spec});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  ended = RunVortexctl(node, {"spec", "audit", "--brief", "--fail-on", "critical", spec});
  EXPECT_EQ(ended.exit_code, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("c 10:229 rw is allowed"));
}

}  // namespace
}  // namespace vortex::testing
