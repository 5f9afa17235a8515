// SPDX-License-Identifier: Apache-2.0
#include "integration/import/import_fixture.h"

#include <sys/mount.h>

#include <random>

namespace vortex::test {

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
  // The end of the import's lease starts a collection, which takes a view that nobody holds.
  const auto lease = client.leases().Create("look");
  ASSERT_TRUE(lease.ok()) << lease.status();
  const auto mounts =
      client.snapshots().View("overlayfs", "look", chain_id, {}, {.lease = lease->id});
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
  const absl::Status removed = client.snapshots().Remove("overlayfs", "look");
  EXPECT_TRUE(removed.ok()) << removed;
  const absl::Status released = client.leases().Delete(lease->id, false);
  EXPECT_TRUE(released.ok()) << released;
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

void ImportTest::SetUp() { SKIP_WITHOUT_CONTAINERD(); }

void ImportTest::Start(int tmpfs_mib) {
  auto started = testing::PrivateContainerd::Start();
  ASSERT_TRUE(started.ok()) << started.status();
  containerd_ = *std::move(started);
  if (tmpfs_mib > 0) {
    containerd_->Kill9();
    const std::string size = "size=" + std::to_string(tmpfs_mib) + "m";
    ASSERT_EQ(::mount("tmpfs", containerd_->root_dir().c_str(), "tmpfs", 0, size.c_str()), 0);
    tmpfs_ = containerd_->root_dir();
    const absl::Status again = containerd_->Restart();
    ASSERT_TRUE(again.ok()) << again;
  }
  client_ = Connect();
  ASSERT_NE(client_, nullptr);
}

void ImportTest::TearDown() {
  client_.reset();
  if (containerd_ != nullptr && !tmpfs_.empty()) {
    containerd_->Kill9();
    EXPECT_EQ(::umount2(tmpfs_.c_str(), MNT_DETACH), 0);
  }
}

std::shared_ptr<client::Client> ImportTest::Connect() const {
  auto client = client::Client::Connect(
      {.address = containerd_->address(), .containerd_namespace = "import-test"});
  EXPECT_TRUE(client.ok()) << client.status();
  return client.ok() ? *std::move(client) : nullptr;
}

std::string ImportTest::Directory(const Files& files) {
  const std::string path = dir_ / ("layout" + std::to_string(count_++));
  WriteTree(path, files);
  return path;
}

}  // namespace vortex::test
