// SPDX-License-Identifier: Apache-2.0
// What the import tests share: a private containerd, on a small tmpfs when the disk is to be full,
// and a look at what it holds.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/import.h"
#include "support/private_containerd.h"
#include "unit/client_import/image_fixture.h"

namespace vortex::test {

// What containerd holds, by name.
struct Inventory {
  std::set<std::string> content, snapshots, ingests, leases, images;
};
Inventory Take(client::Client& client);

// Returns after a garbage collection.
void Collect(client::Client& client);

// Mounts a committed snapshot read-only and calls `look` with the mount point.
void WithSnapshot(client::Client& client, const std::string& chain_id,
                  const std::function<void(const std::string& root)>& look);

// Bytes that do not compress; the same seed gives the same.
std::string RandomBytes(std::size_t size, unsigned seed);

class ImportTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  // tmpfs_mib 0: on the disk.
  void Start(int tmpfs_mib = 0);
  std::shared_ptr<client::Client> Connect() const;

  // Writes files as a layout directory and returns its path.
  std::string Directory(const Files& files);

  TempDir dir_;
  std::unique_ptr<testing::PrivateContainerd> containerd_;
  std::shared_ptr<client::Client> client_;
  std::string tmpfs_;
  int count_ = 0;
};

}  // namespace vortex::test
