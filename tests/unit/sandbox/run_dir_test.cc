// SPDX-License-Identifier: Apache-2.0
#include "sandbox/run_dir.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "base/status.h"
#include "sandbox/id_range.h"

namespace vortex::sandbox {
namespace {

class RunDirTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/state-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    state_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(state_); }
  std::string state_;
};

TEST_F(RunDirTest, MakesFifosAndLeavesNothing) {
  auto dir = RunDir::Create(state_, "run-1");
  ASSERT_TRUE(dir.ok()) << dir.status();
  ASSERT_TRUE(dir->MakeFifos().ok());
  struct stat st {};
  ASSERT_EQ(::stat(dir->stdout_path().c_str(), &st), 0);
  EXPECT_TRUE(S_ISFIFO(st.st_mode));
  EXPECT_EQ(st.st_mode & 0777, 0600u);
  EXPECT_TRUE(dir->Remove().ok());
  EXPECT_TRUE(RunDir::List(state_)->empty());
}

TEST_F(RunDirTest, AnOwnedRunCannotBeAdopted) {
  auto dir = RunDir::Create(state_, "run-1");
  ASSERT_TRUE(dir.ok());
  EXPECT_TRUE(RunDir::HasOwner(state_, "run-1"));
  EXPECT_TRUE(absl::IsUnavailable(RunDir::Adopt(state_, "run-1").status()));
}

TEST_F(RunDirTest, AnAbandonedRunCanBeAdoptedOnce) {
  { auto abandoned = RunDir::Create(state_, "run-1"); }
  EXPECT_FALSE(RunDir::HasOwner(state_, "run-1"));
  auto first = RunDir::Adopt(state_, "run-1");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(absl::IsUnavailable(RunDir::Adopt(state_, "run-1").status()));
}

TEST_F(RunDirTest, TheSameNameTwiceIsRefused) {
  auto dir = RunDir::Create(state_, "run-1");
  ASSERT_TRUE(dir->MakeFifos().ok());
  EXPECT_FALSE(RunDir::Create(state_, "run-1").ok());
}

TEST_F(RunDirTest, ListOfAMissingStateDirectoryIsEmpty) {
  EXPECT_TRUE(RunDir::List(state_ + "/none")->empty());
}

TEST_F(RunDirTest, LiveRunsNeverShareAnIdRange) {
  const IdPool pool{1000, 10, 8};
  std::vector<IdRange> held;
  std::set<std::uint32_t> starts;
  for (std::uint32_t i = 0; i < pool.ranges; ++i) {
    auto range = IdRange::Acquire(state_, pool);
    ASSERT_TRUE(range.ok()) << range.status();
    EXPECT_GE(range->first(), pool.first);
    EXPECT_LT(range->first(), pool.first + pool.ranges * pool.range_size);
    starts.insert(range->first());
    held.push_back(*std::move(range));
  }
  EXPECT_EQ(starts.size(), pool.ranges);
  const auto none = IdRange::Acquire(state_, pool);
  EXPECT_TRUE(absl::IsResourceExhausted(none.status())) << none.status();
  held.pop_back();
  EXPECT_TRUE(IdRange::Acquire(state_, pool).ok());
}

}  // namespace
}  // namespace vortex::sandbox
