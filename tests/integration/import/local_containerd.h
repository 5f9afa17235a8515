// SPDX-License-Identifier: Apache-2.0
// A containerd of the test's own, with nothing shared with the machine's: root, state and socket
// lie in one temporary directory, on a small tmpfs when a test wants the disk to be full.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/import.h"
#include "unit/client_import/image_fixture.h"

namespace vortex::test {

class LocalContainerd {
 public:
  // Why it cannot run here (no containerd, not root), or empty.
  static std::string Missing();

  // tmpfs_mib 0: on the disk below $TMPDIR or /tmp.
  explicit LocalContainerd(int tmpfs_mib = 0);
  LocalContainerd(const LocalContainerd&) = delete;
  LocalContainerd& operator=(const LocalContainerd&) = delete;
  ~LocalContainerd();

  std::shared_ptr<client::Client> Connect() const;
  const std::string& root() const { return root_; }

 private:
  TempDir dir_;
  std::string root_;
  std::string socket_;
  bool mounted_ = false;
  pid_t pid_ = -1;
};

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
  void Start(int tmpfs_mib = 0);

  // Writes files as a layout directory and returns its path.
  std::string Directory(const Files& files);

  TempDir dir_;
  std::unique_ptr<LocalContainerd> containerd_;
  std::shared_ptr<client::Client> client_;
  int count_ = 0;
};

}  // namespace vortex::test
