// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <set>
#include <thread>

#include "support/status_matchers.h"

namespace vortex::base {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using vortex::testing::IsOk;
using vortex::testing::StatusIs;

class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "vortex-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    dir_fd_ = UniqueFd(::open(dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string In(const std::string& name) const { return dir_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_THAT(WriteFileAtomic(In(name), text, 0644), IsOk());
  }
  // The errno of OpenBeneath; 0 when it opens.
  int BeneathError(const std::string& path) const {
    return GetErrno(OpenBeneath(dir_fd_.get(), path, O_RDONLY).status()).value_or(0);
  }

  std::string dir_;
  UniqueFd dir_fd_;
};

TEST_F(FilesTest, ReadsUpToTheLimit) {
  const std::string text(200'000, 'x');
  Write("a", text);
  EXPECT_EQ(*ReadFile(In("a"), text.size()), text);
  EXPECT_THAT(ReadFile(In("a"), text.size() - 1),
              StatusIs(absl::StatusCode::kOutOfRange,
                       "read " + In("a") + ": larger than the limit of 199999 bytes"));
  // An endless file ends at the limit, too.
  EXPECT_THAT(ReadFile("/dev/zero", 1000),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("/dev/zero")));
  EXPECT_EQ(*ReadFile("/dev/null", 0), "");
}

TEST_F(FilesTest, ErrorsNameThePath) {
  const auto missing = ReadFile(In("none"), 1);
  EXPECT_THAT(missing, StatusIs(absl::StatusCode::kNotFound,
                                "open " + In("none") + ": No such file or directory (ENOENT)"));
  EXPECT_EQ(GetErrno(missing.status()), ENOENT);
  EXPECT_EQ(GetErrno(ReadFile(dir_, 1).status()), EISDIR);
}

TEST_F(FilesTest, OpensDoNotReachChildren) {
  Write("a", "x");
  for (const auto& fd : {OpenFile(In("a"), O_RDONLY), OpenBeneath(dir_fd_.get(), "a", O_RDONLY)}) {
    ASSERT_THAT(fd, IsOk());
    EXPECT_EQ(::fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST_F(FilesTest, OpenBeneathStaysBeneath) {
  ASSERT_EQ(::mkdir(In("d").c_str(), 0755), 0);
  Write("d/file", "x");
  ASSERT_EQ(::symlink("d/file", In("inside").c_str()), 0);
  ASSERT_EQ(::symlink("/etc/passwd", In("absolute").c_str()), 0);
  ASSERT_EQ(::symlink("d", In("dirlink").c_str()), 0);
  ASSERT_EQ(::symlink("..", In("d/up").c_str()), 0);
  EXPECT_EQ(BeneathError("d/file"), 0);
  EXPECT_EQ(BeneathError("d/../d/file"), 0);
  EXPECT_EQ(BeneathError("none"), ENOENT);
  EXPECT_EQ(BeneathError("inside"), ELOOP);
  EXPECT_EQ(BeneathError("absolute"), ELOOP);
  EXPECT_EQ(BeneathError("dirlink/file"), ELOOP);
  EXPECT_EQ(BeneathError("d/up"), ELOOP);
  EXPECT_EQ(BeneathError(".."), EXDEV);
  EXPECT_EQ(BeneathError("d/../.."), EXDEV);
  EXPECT_EQ(BeneathError("../" + dir_.substr(dir_.rfind('/') + 1) + "/d"), EXDEV);
  EXPECT_EQ(BeneathError("/etc/passwd"), EXDEV);
}

TEST_F(FilesTest, OpenBeneathFollowsNoMagicLinks) {
  const UniqueFd proc(::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(proc);
  EXPECT_EQ(GetErrno(OpenBeneath(proc.get(), "root", O_RDONLY).status()), ELOOP);
  EXPECT_EQ(GetErrno(OpenBeneath(proc.get(), "cwd", O_RDONLY).status()), ELOOP);
}

TEST_F(FilesTest, WriteFileAtomicReplacesAndLeavesNoOtherFile) {
  Write("a", "one");
  ASSERT_THAT(WriteFileAtomic(In("a"), "two", 0600), IsOk());
  EXPECT_EQ(*ReadFile(In("a"), 100), "two");
  struct stat st {};
  ASSERT_EQ(::stat(In("a").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    names.insert(entry.path().filename());
  }
  EXPECT_THAT(names, ElementsAre("a"));
}

TEST_F(FilesTest, AFailedWriteLeavesTheOldFileAndNoOther) {
  ASSERT_EQ(::mkdir(In("d").c_str(), 0755), 0);
  EXPECT_THAT(WriteFileAtomic(In("d"), "x", 0644), StatusIs(::testing::_, HasSubstr("rename ")));
  EXPECT_THAT(WriteFileAtomic(In("none/a"), "x", 0644),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("open ")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
}

// A reader during the replacement sees one of the two, whole.
TEST_F(FilesTest, ReadersNeverSeeAPart) {
  const std::string texts[] = {std::string(100'000, 'a'), std::string(100'000, 'b')};
  Write("a", texts[0]);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (unsigned n = 0; !stop; ++n)
      EXPECT_THAT(WriteFileAtomic(In("a"), texts[n % 2], 0644), IsOk());
  });
  for (int i = 0; i < 200; ++i) {
    const auto text = ReadFile(In("a"), 200'000);
    ASSERT_THAT(text, IsOk());
    EXPECT_TRUE(*text == texts[0] || *text == texts[1]);
  }
  stop = true;
  writer.join();
}

TEST_F(FilesTest, WriteAllReportsErrors) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_THAT(WriteAll(full.get(), "x", "the report"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "write the report: No space left on device (ENOSPC)"));
  EXPECT_THAT(WriteAll(-1, "", "x"), IsOk());  // nothing to write
}

TEST_F(FilesTest, MakeDirsAndRemoveTree) {
  ASSERT_THAT(MakeDirs(In("a/b/c"), 0700), IsOk());
  ASSERT_THAT(MakeDirs(In("a/b/c"), 0755), IsOk());
  struct stat st {};
  ASSERT_EQ(::stat(In("a/b/c").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700u);
  Write("file", "x");
  EXPECT_EQ(GetErrno(MakeDirs(In("file/x"), 0700)), ENOTDIR);
  EXPECT_EQ(GetErrno(MakeDirs(In("file"), 0700)), ENOTDIR);

  ASSERT_EQ(::mkdir(In("kept").c_str(), 0755), 0);
  Write("kept/file", "x");
  ASSERT_EQ(::symlink(In("kept").c_str(), In("a/link").c_str()), 0);
  EXPECT_THAT(RemoveTree(In("a")), IsOk());
  EXPECT_THAT(RemoveTree(In("a")), IsOk());
  EXPECT_FALSE(std::filesystem::exists(In("a")));
  EXPECT_TRUE(std::filesystem::exists(In("kept/file")));
}

TEST(RandomHexTest, IsHexAndDiffers) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string hex = RandomHex(8);
    EXPECT_EQ(hex.size(), 16u);
    EXPECT_EQ(hex.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_TRUE(seen.insert(hex).second);
  }
}

}  // namespace
}  // namespace vortex::base
