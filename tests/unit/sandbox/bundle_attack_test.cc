// SPDX-License-Identifier: Apache-2.0
// Somebody who may write to a bundle and wants to read what only we may.
#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "sandbox/bundle_store.h"
#include "support/status_matchers.h"
#include "unit/sandbox/bundle_fixture.h"

namespace vortex::sandbox {
namespace {

constexpr char kSecret[] = "root:$6$SECRET:19000:0:99999:7:::";

class BundleAttackTest : public testing::BundleFixture {
 protected:
  bool StoreHolds(const std::string& text) const {
    if (!std::filesystem::exists(store())) return false;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(store())) {
      if (entry.is_symlink() || !entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string content(std::istreambuf_iterator<char>(file), {});
      if (content.find(text) != std::string::npos) return true;
    }
    return false;
  }
};

// The control: the search above finds what is there.
TEST_F(BundleAttackTest, TheSearchFindsASecretThatIsInTheBundle) {
  WritePlugin();
  Write("lib/data", kSecret, 0600);
  ASSERT_TRUE(BundleStore(store()).Add(source()).ok());
  EXPECT_TRUE(StoreHolds(kSecret));
}

TEST_F(BundleAttackTest, SwappedFilesNeverBringASecretIntoTheStoreOrAMessage) {
  WritePlugin();
  Write("data", "public");
  const std::string shadow = dir() + "/shadow";
  std::ofstream(shadow) << kSecret;
  for (const char* name : {"/data.link", "/main.py.link", "/vortex-plugin.yaml.link"}) {
    ASSERT_EQ(::symlink(shadow.c_str(), (dir() + name).c_str()), 0);
  }
  std::atomic<bool> stop = false;
  std::thread attacker([&] {
    while (!stop) {
      for (const char* name : {"data", "main.py", "vortex-plugin.yaml"}) {
        ::renameat2(AT_FDCWD, In(name).c_str(), AT_FDCWD, (dir() + "/" + name + ".link").c_str(),
                    RENAME_EXCHANGE);
      }
    }
  });
  int added = 0, refused = 0;
  BundleStore bundles(store());
  // Both ends of the race must be seen; on a busy machine that takes a while.
  for (int i = 0; i < 200 || ((added == 0 || refused == 0) && i < 20'000); ++i) {
    const auto bundle = bundles.Add(source());
    ++(bundle.ok() ? added : refused);
    if (!bundle.ok()) {
      EXPECT_EQ(Message(bundle.status()).find("SECRET"), std::string_view::npos) << bundle.status();
    }
  }
  stop = true;
  attacker.join();
  EXPECT_FALSE(StoreHolds(kSecret));
  EXPECT_GT(added, 0);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace vortex::sandbox
