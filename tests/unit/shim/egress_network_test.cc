// SPDX-License-Identifier: Apache-2.0
#include "shim/egress_network.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <thread>

#include "base/unique_fd.h"

namespace vortex::shim {
namespace {

using ::testing::HasSubstr;

class EgressNetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(dir_), nullptr);
    path_ = std::string(dir_) + "/netns";
    base::UniqueFd(::open(path_.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, 0600));
  }
  void TearDown() override {
    ::umount2(path_.c_str(), MNT_DETACH);
    ::unlink(path_.c_str());
    ::rmdir(dir_);
  }
  // What of the calling thread, or a new one, is pinned at path_.
  bool Pin(bool fresh) {
    bool pinned = false;
    std::thread([&] {
      if (fresh && ::unshare(CLONE_NEWNET) != 0) return;
      pinned = ::mount("/proc/thread-self/ns/net", path_.c_str(), nullptr, MS_BIND, nullptr) == 0;
    }).join();
    return pinned;
  }
  static OciConfig Job(const std::string& path) {
    OciConfig config;
    config.annotations = {{"io.vortex.run-id", "run-1"}, {"io.vortex.egress", "proxy"}};
    config.network_path = path;
    config.host_uid_of_root = 2000000;
    return config;
  }

  char dir_[32] = "/tmp/vortex-egress-XXXXXX";
  std::string path_;
};

TEST_F(EgressNetworkTest, RefusesWhatIsNoNamespace) {
  EXPECT_THAT(CheckEgressNamespace("").message, HasSubstr("is not named"));
  EXPECT_THAT(CheckEgressNamespace(path_).message, HasSubstr("is no network namespace"));
  EXPECT_FALSE(CheckEgressNamespace("/nonexistent").ok());
  // Links are not followed: also not to somebody's namespace.
  EXPECT_FALSE(CheckEgressNamespace("/proc/self/ns/net").ok());
}

TEST_F(EgressNetworkTest, RefusesTheHostsOwn) {
  if (!Pin(false)) GTEST_SKIP() << "cannot mount: needs root";
  EXPECT_THAT(CheckEgressNamespace(path_).message, HasSubstr("is the host's own"));
}

TEST_F(EgressNetworkTest, TakesANewOne) {
  if (!Pin(true)) GTEST_SKIP() << "cannot unshare or mount: needs root";
  EXPECT_TRUE(CheckEgressNamespace(path_).ok()) << CheckEgressNamespace(path_).message;
  EXPECT_FALSE(InNamespace("/proc/self", path_));
  std::vector<std::string> flags = {"--network=none", "--panic-log=x"};
  EXPECT_TRUE(UseEgressLink(Job(path_), *DriverForClass("gvisor"), &flags).ok());
  EXPECT_EQ(flags, (std::vector<std::string>{"--network=host", "--panic-log=x"}));
}

TEST_F(EgressNetworkTest, HostSocketsOnlyForALinkedJobOfOurs) {
  const RuntimeDriver& runsc = *DriverForClass("gvisor");
  std::vector<std::string> flags = {"--network=none"};
  OciConfig config = Job("");
  config.annotations.erase("io.vortex.egress");
  EXPECT_TRUE(UseEgressLink(config, runsc, &flags).ok());
  config = Job("");
  config.annotations["io.kubernetes.cri.sandbox-id"] = "pod";
  EXPECT_TRUE(UseEgressLink(config, runsc, &flags).ok());
  EXPECT_EQ(flags, std::vector<std::string>{"--network=none"});
  // Fails closed, and leaves the flags.
  EXPECT_FALSE(UseEgressLink(Job(""), runsc, &flags).ok());
  EXPECT_FALSE(UseEgressLink(Job(path_), runsc, &flags).ok());
  EXPECT_EQ(flags, std::vector<std::string>{"--network=none"});
}

TEST_F(EgressNetworkTest, HostSocketsNeedAUserNamespace) {
  if (!Pin(true)) GTEST_SKIP() << "cannot unshare or mount: needs root";
  OciConfig config = Job(path_);
  config.host_uid_of_root.reset();
  std::vector<std::string> flags = {"--network=none"};
  EXPECT_FALSE(UseEgressLink(config, *DriverForClass("gvisor"), &flags).ok());
  EXPECT_TRUE(UseEgressLink(config, *DriverForClass("runc"), &flags).ok());
  EXPECT_EQ(flags, std::vector<std::string>{"--network=none"});
}

}  // namespace
}  // namespace vortex::shim
