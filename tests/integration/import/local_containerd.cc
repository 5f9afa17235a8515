// SPDX-License-Identifier: Apache-2.0
#include "integration/import/local_containerd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

namespace vortex::test {

using client::CallOptions;

std::string LocalContainerd::Missing() {
  if (::geteuid() != 0) return "needs root to run a containerd of its own";
  for (const char* path : {"/usr/bin/containerd", "/usr/local/bin/containerd"}) {
    if (::access(path, X_OK) == 0) return "";
  }
  return "containerd is not installed";
}

LocalContainerd::LocalContainerd(int tmpfs_mib) : root_(dir_ / "root"), socket_(dir_ / "c.sock") {
  std::filesystem::create_directories(root_);
  if (tmpfs_mib > 0) {
    const std::string size = "size=" + std::to_string(tmpfs_mib) + "m";
    mounted_ = ::mount("tmpfs", root_.c_str(), "tmpfs", 0, size.c_str()) == 0;
    EXPECT_TRUE(mounted_);
  }
  std::string config = "version = 2\nroot = \"" + root_ + "\"\nstate = \"" + (dir_ / "state") +
                       "\"\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"";
  for (const char* name : {"btrfs", "aufs", "zfs", "devmapper"}) {
    config += std::string(", \"io.containerd.snapshotter.v1.") + name + "\"";
  }
  config += "]\n[grpc]\n  address = \"" + socket_ + "\"\n";
  WriteFile(dir_ / "config.toml", config);
  const std::string config_path = dir_ / "config.toml";
  const std::string log_path = dir_ / "log";
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const int log = ::open(log_path.c_str(), O_WRONLY | O_CREAT, 0600);
    ::dup2(log, 1);
    ::dup2(log, 2);
    ::execlp("containerd", "containerd", "-c", config_path.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
}

LocalContainerd::~LocalContainerd() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  if (mounted_) ::umount2(root_.c_str(), MNT_DETACH);
}

std::shared_ptr<client::Client> LocalContainerd::Connect() const {
  absl::Status last;
  for (int attempt = 0; attempt < 200; ++attempt) {
    auto client = client::Client::Connect({.address = socket_,
                                           .containerd_namespace = "import-test",
                                           .timeout = std::chrono::seconds(5)});
    if (client.ok()) return *std::move(client);
    last = client.status();
    ::poll(nullptr, 0, 50);  // the socket file appears when containerd is up
  }
  ADD_FAILURE() << "containerd does not come up: " << last;
  return nullptr;
}

Inventory Take(client::Client& client) {
  Inventory out;
  const auto content = client.content().List();
  EXPECT_TRUE(content.ok()) << content.status();
  if (content.ok())
    for (const auto& item : *content) out.content.insert(item.digest);
  const auto snapshots = client.snapshots().List("overlayfs");
  EXPECT_TRUE(snapshots.ok()) << snapshots.status();
  if (snapshots.ok())
    for (const auto& item : *snapshots) out.snapshots.insert(item.name);
  const auto ingests = client.content().ListStatuses();
  EXPECT_TRUE(ingests.ok()) << ingests.status();
  if (ingests.ok())
    for (const auto& item : *ingests) out.ingests.insert(item.ref);
  const auto leases = client.leases().List();
  EXPECT_TRUE(leases.ok()) << leases.status();
  if (leases.ok())
    for (const auto& item : *leases) out.leases.insert(item.id);
  const auto images = client.images().List();
  EXPECT_TRUE(images.ok()) << images.status();
  if (images.ok())
    for (const auto& item : *images) out.images.insert(item.name);
  return out;
}

void Collect(client::Client& client) {
  ASSERT_TRUE(client.leases().Create("collect").ok());
  ASSERT_TRUE(client.leases().Delete("collect", true).ok());
}

void WithSnapshot(client::Client& client, const std::string& chain_id,
                  const std::function<void(const std::string&)>& look) {
  const TempDir target;
  const auto mounts = client.snapshots().View("overlayfs", "look", chain_id);
  ASSERT_TRUE(mounts.ok()) << mounts.status();
  ASSERT_EQ(mounts->size(), 1u);
  const client::Mount& mount = mounts->front();
  unsigned long flags = MS_RDONLY;
  std::string data;
  for (const std::string& option : mount.options) {
    if (option == "ro" || option == "rw") continue;
    if (option == "rbind" || option == "bind") {
      flags |= MS_BIND;
    } else {
      data += (data.empty() ? "" : ",") + option;
    }
  }
  ASSERT_EQ(
      ::mount(mount.source.c_str(), target.path().c_str(), mount.type.c_str(), flags, data.c_str()),
      0)
      << data;
  look(target.path());
  EXPECT_EQ(::umount2(target.path().c_str(), 0), 0);
  EXPECT_TRUE(client.snapshots().Remove("overlayfs", "look").ok());
}

std::string RandomBytes(std::size_t size, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::string out(size, '\0');
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    const std::uint64_t word = engine();
    __builtin_memcpy(out.data() + i, &word, 8);
  }
  return out;
}

void ImportTest::SetUp() {
  if (const std::string missing = LocalContainerd::Missing(); !missing.empty())
    GTEST_SKIP() << missing;
}

void ImportTest::Start(int tmpfs_mib) {
  containerd_ = std::make_unique<LocalContainerd>(tmpfs_mib);
  client_ = containerd_->Connect();
  ASSERT_NE(client_, nullptr);
}

std::string ImportTest::Directory(const Files& files) {
  const std::string path = dir_ / ("layout" + std::to_string(count_++));
  WriteTree(path, files);
  return path;
}

}  // namespace vortex::test
