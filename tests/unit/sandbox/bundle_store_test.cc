// SPDX-License-Identifier: Apache-2.0
#include "sandbox/bundle_store.h"

#include <sys/file.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "support/status_matchers.h"
#include "unit/sandbox/bundle_fixture.h"

namespace vortex::sandbox {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using vortex::testing::IsOk;
using vortex::testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class BundleStoreTest : public testing::BundleFixture {
 protected:
  std::set<std::string> Stored() const {
    std::set<std::string> names;
    if (!std::filesystem::exists(store())) return names;
    for (const auto& entry : std::filesystem::directory_iterator(store())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }
  static void Age(const std::string& path, seconds age) {
    const timespec past[2] = {{::time(nullptr) - age.count(), 0},
                              {::time(nullptr) - age.count(), 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), past, 0), 0);
  }
};

TEST_F(BundleStoreTest, AddCopiesAndGetFinds) {
  WritePlugin();
  BundleStore bundles(store());
  VX_ASSERT_OK_AND_ASSIGN(const Bundle added, bundles.Add(source()));
  EXPECT_EQ(added.digest, Hash()->digest);
  EXPECT_EQ(added.path, store() + "/" + added.digest.substr(7));
  EXPECT_EQ(added.manifest.id, "a");
  EXPECT_EQ(Hash(added.path)->digest, added.digest);
  EXPECT_THAT(Stored(), ElementsAre(added.digest.substr(7)));
  struct stat st {};
  ASSERT_EQ(::stat(added.path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0755u);
  ASSERT_EQ(::stat(store().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0711u);

  // Another program, another store object, and the source gone.
  ASSERT_TRUE(base::RemoveTree(source()).ok());
  VX_ASSERT_OK_AND_ASSIGN(const Bundle found, BundleStore(store()).Get(added.digest));
  EXPECT_EQ(found.path, added.path);
  EXPECT_EQ(found.manifest.entrypoint->module, "main");
}

TEST_F(BundleStoreTest, ASecondAddCopiesNothing) {
  WritePlugin();
  BundleStore bundles(store());
  VX_ASSERT_OK_AND_ASSIGN(const Bundle first, bundles.Add(source()));
  struct stat before {
  }, after{};
  ASSERT_EQ(::stat((first.path + "/main.py").c_str(), &before), 0);
  VX_ASSERT_OK_AND_ASSIGN(const Bundle second, bundles.Add(source()));
  ASSERT_EQ(::stat((second.path + "/main.py").c_str(), &after), 0);
  EXPECT_EQ(first.digest, second.digest);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(BundleStoreTest, AChangedBundleIsAnotherOne) {
  WritePlugin();
  BundleStore bundles(store());
  VX_ASSERT_OK_AND_ASSIGN(const Bundle first, bundles.Add(source()));
  Write("main.py", "def run(payload):\n    return 2\n");
  VX_ASSERT_OK_AND_ASSIGN(const Bundle second, bundles.Add(source()));
  EXPECT_NE(first.digest, second.digest);
  EXPECT_EQ(Stored().size(), 2u);
  EXPECT_THAT(bundles.Verify(first.digest), IsOk());
}

TEST_F(BundleStoreTest, BadDirectoriesAndDigests) {
  BundleStore bundles(store());
  EXPECT_THAT(
      bundles.Add(dir() + "/none"),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("open " + dir() + "/none: No such file")));
  EXPECT_THAT(bundles.Add("/dev/null"),
              StatusIs(::testing::_, HasSubstr("open /dev/null: Not a directory")));
  EXPECT_THAT(bundles.Add(source()), StatusIs(kInvalid, HasSubstr("no vortex-plugin.yaml in it")));
  const std::string zeros(64, '0');
  EXPECT_THAT(bundles.Get("sha256:" + zeros),
              StatusIs(absl::StatusCode::kNotFound, "plugin sha256:" + zeros +
                                                        ": not in the bundle "
                                                        "store; run it from its directory once"));
  EXPECT_THAT(bundles.Verify("sha256:" + zeros),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("not in")));
  for (const char* bad : {"", "sha256:", "sha256:../../../etc", "sha256:12"}) {
    EXPECT_THAT(bundles.Get(bad),
                StatusIs(kInvalid, HasSubstr("is not sha256: and 64 lower-case hex digits")));
    EXPECT_THAT(bundles.Verify(bad), StatusIs(kInvalid, HasSubstr("is not sha256:")));
  }
  EXPECT_THAT(Stored(), IsEmpty());
}

TEST_F(BundleStoreTest, ARefusedBundleLeavesNothing) {
  WritePlugin();
  Link("out", "/etc/passwd");
  EXPECT_THAT(BundleStore(store()).Add(source()),
              StatusIs(kInvalid, HasSubstr("outside of the bundle")));
  EXPECT_THAT(Stored(), IsEmpty());
}

// A write that fails in the middle: the file size limit stands in for a full disk.
TEST_F(BundleStoreTest, AFailedCopyLeavesNothing) {
  WritePlugin();
  Write("big", std::string(256 * 1024, 'x'));
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 128 * 1024, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto added = BundleStore(store()).Add(source());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(added, StatusIs(::testing::_, HasSubstr("big: File too large (EFBIG)")));
  EXPECT_THAT(Stored(), IsEmpty());
  EXPECT_THAT(BundleStore(store()).Add(source()), IsOk());
}

TEST_F(BundleStoreTest, VerifyTellsWhenACopyIsNotWhatItsNameSays) {
  WritePlugin();
  BundleStore bundles(store());
  VX_ASSERT_OK_AND_ASSIGN(const Bundle added, bundles.Add(source()));
  EXPECT_THAT(bundles.Verify(added.digest), IsOk());
  std::ofstream(added.path + "/main.py") << "import os\n";
  EXPECT_THAT(bundles.Verify(added.digest),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(": its content is " + Hash(added.path)->digest + "; remove it")));
}

TEST_F(BundleStoreTest, ManyAtOnceEndWithOneCopy) {
  WritePlugin();
  for (int i = 0; i < 20; ++i) Write("lib/m" + std::to_string(i) + ".py", std::string(10'000, 'x'));
  for (int round = 0; round < 5; ++round) {
    Write("round", std::to_string(round));
    std::vector<absl::StatusOr<Bundle>> results(8, absl::UnknownError("not run"));
    std::vector<std::thread> threads;
    std::atomic<int> ready = 0;
    for (auto& result : results) {
      threads.emplace_back([&] {
        BundleStore bundles(store());
        for (++ready; ready < 8;) std::this_thread::yield();
        result = bundles.Add(source());
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& result : results) {
      ASSERT_THAT(result, IsOk());
      EXPECT_EQ(result->digest, results[0]->digest);
    }
    EXPECT_THAT(BundleStore(store()).Verify(results[0]->digest), IsOk());
    EXPECT_EQ(Stored().size(), static_cast<std::size_t>(round) + 1);  // and no parts
  }
}

// Whatever the source becomes during Add, what is stored is what its name says.
TEST_F(BundleStoreTest, ASourceThatChangesMeanwhileIsStoredUnderItsOwnDigest) {
  WritePlugin();
  Write("data", std::string(1 << 20, 'a'));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    const auto fd = base::OpenFile(In("data"), O_WRONLY);
    for (unsigned n = 0; !stop; ++n) {
      const char byte = static_cast<char>('a' + n % 26);
      if (::pwrite(fd->get(), &byte, 1, n * 4099 % (1 << 20)) < 0) return;
    }
  });
  BundleStore bundles(store());
  for (int i = 0; i < 30; ++i) {
    const auto added = bundles.Add(source());
    ASSERT_THAT(added, IsOk());
    EXPECT_THAT(bundles.Verify(added->digest), IsOk());
  }
  stop = true;
  writer.join();
}

TEST_F(BundleStoreTest, CollectTakesWhatIsOldAndNotInUse) {
  BundleStore bundles(store());
  EXPECT_THAT(*bundles.Collect(hours(2)), IsEmpty());  // no store yet
  WritePlugin();
  std::vector<Bundle> added;
  for (const char* text : {"1", "2", "3"}) {
    Write("n", text);
    VX_ASSERT_OK_AND_ASSIGN(Bundle bundle, bundles.Add(source()));
    added.push_back(std::move(bundle));
  }
  EXPECT_THAT(*bundles.Collect(hours(2)), IsEmpty());
  for (const Bundle& bundle : added) Age(bundle.path, hours(3));
  EXPECT_THAT(bundles.Get(added[0].digest), IsOk());  // used now
  VX_ASSERT_OK_AND_ASSIGN(const auto removed, bundles.Collect(hours(2), {added[1].digest}));
  EXPECT_THAT(removed, ElementsAre(added[2].digest));
  EXPECT_EQ(Stored(),
            (std::set<std::string>{added[0].digest.substr(7), added[1].digest.substr(7)}));
  EXPECT_THAT(bundles.Get(added[2].digest),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("not in")));
}

TEST_F(BundleStoreTest, CollectRemovesInterruptedCopiesAndNothingForeign) {
  WritePlugin();
  BundleStore bundles(store());
  ASSERT_THAT(bundles.Add(source()), IsOk());
  for (const char* name : {"/.part-old", "/.part-new", "/notes", "/README"}) {
    ASSERT_EQ(::mkdir((store() + name).c_str(), 0755), 0);
    std::ofstream(store() + name + "/file") << "x";
  }
  for (const char* name : {"/.part-old", "/notes", "/README"}) Age(store() + name, hours(24 * 365));
  EXPECT_THAT(*bundles.Collect(hours(2)), IsEmpty());
  const auto stored = Stored();
  EXPECT_EQ(stored.size(), 4u);
  EXPECT_TRUE(stored.contains(".part-new") && stored.contains("notes") &&
              stored.contains("README"));
}

// True when somebody waits for a flock on this directory; "->" marks waiters in proc_locks(5).
bool SomebodyWaitsFor(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return false;
  const std::string inode = ":" + std::to_string(st.st_ino) + " ";
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    if (line.find("->") != std::string::npos && line.find(inode) != std::string::npos) return true;
  }
  return false;
}

// A user who is between finding a copy and touching it holds the store; Collect waits, looks after
// that, and leaves the copy alone.
TEST_F(BundleStoreTest, CollectWaitsForAUserInTheMiddle) {
  WritePlugin();
  VX_ASSERT_OK_AND_ASSIGN(const Bundle added, BundleStore(store()).Add(source()));
  Age(added.path, hours(3));
  auto user = base::OpenFile(store(), O_RDONLY | O_DIRECTORY);
  ASSERT_TRUE(user.ok());
  ASSERT_EQ(::flock(user->get(), LOCK_SH), 0);
  std::atomic<bool> done = false;
  std::thread collector([&] {
    EXPECT_THAT(*BundleStore(store()).Collect(hours(2)), IsEmpty());
    done = true;
  });
  while (!done && !SomebodyWaitsFor(store())) std::this_thread::yield();
  EXPECT_FALSE(done) << "Collect did not wait";
  ::utimensat(AT_FDCWD, added.path.c_str(), nullptr, 0);
  user->Reset();
  collector.join();
  EXPECT_THAT(BundleStore(store()).Get(added.digest), IsOk());
}

// Collect between a look at the last use and a removal: a bundle that Get returned stays.
TEST_F(BundleStoreTest, CollectNeverTakesWhatGetJustReturned) {
  WritePlugin();
  BundleStore bundles(store());
  VX_ASSERT_OK_AND_ASSIGN(const Bundle added, bundles.Add(source()));
  std::atomic<bool> stop = false;
  std::thread collector([&] {
    while (!stop) EXPECT_THAT(BundleStore(store()).Collect(hours(2)), IsOk());
  });
  int found = 0;
  for (int i = 0; i < 200; ++i) {
    // Between two uses it grows old.
    if (std::filesystem::exists(added.path)) {
      const timespec past[2] = {{1, 0}, {1, 0}};
      ::utimensat(AT_FDCWD, added.path.c_str(), past, 0);
    }
    auto bundle = bundles.Get(added.digest);
    if (absl::IsNotFound(bundle.status())) bundle = bundles.Add(source());
    ASSERT_THAT(bundle, IsOk());
    ++found;
    EXPECT_TRUE(std::filesystem::exists(bundle->path + "/main.py"));
  }
  stop = true;
  collector.join();
  EXPECT_EQ(found, 200);
}

}  // namespace
}  // namespace vortex::sandbox
