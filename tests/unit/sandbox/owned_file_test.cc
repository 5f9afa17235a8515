// SPDX-License-Identifier: Apache-2.0
#include "sandbox/owned_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "base/files.h"
#include "base/status.h"
#include "support/status_matchers.h"

namespace vortex::sandbox {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

constexpr auto kUnsafe = absl::StatusCode::kFailedPrecondition;

class OperatorFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/vortex-operator-file.XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
    file_ = dir_ + "/policy.yaml";
    std::ofstream(file_) << "version: 1\n";
    ASSERT_EQ(::chmod(file_.c_str(), 0644), 0);
  }
  void TearDown() override { EXPECT_THAT(base::RemoveTree(dir_), IsOk()); }

  std::string dir_, file_;
};

TEST_F(OperatorFileTest, AnOwnersOwnFileIsRead) {
  const auto text = ReadOperatorFile(file_, 100);
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(*text, "version: 1\n");
}

TEST_F(OperatorFileTest, WhatGroupOrOthersMayWriteIsRefused) {
  for (const mode_t mode : {0664u, 0646u, 0666u, 0620u}) {
    ASSERT_EQ(::chmod(file_.c_str(), mode), 0);
    EXPECT_THAT(ReadOperatorFile(file_, 100),
                StatusIs(kUnsafe, AllOf(HasSubstr(fmt::format("{} has mode {:04o} and owner {}",
                                                              file_, mode, ::geteuid())),
                                        HasSubstr("chmod go-w " + file_))));
    EXPECT_THAT(CheckOperatorFile(file_), StatusIs(kUnsafe, ::testing::_));
  }
  ASSERT_EQ(::chmod(file_.c_str(), 0600), 0);
  EXPECT_THAT(ReadOperatorFile(file_, 100), IsOk());
}

TEST_F(OperatorFileTest, ADirectoryThatOthersMayWriteIsRefusedUnlessSticky) {
  ASSERT_EQ(::chmod(dir_.c_str(), 0777), 0);
  EXPECT_THAT(ReadOperatorFile(file_, 100),
              StatusIs(kUnsafe, AllOf(HasSubstr("directory " + dir_ + " has mode 0777"),
                                      HasSubstr("chmod go-w " + dir_))));
  ASSERT_EQ(::chmod(dir_.c_str(), 01777), 0);
  EXPECT_THAT(ReadOperatorFile(file_, 100), IsOk());
}

TEST_F(OperatorFileTest, ALinkIsNotFollowedButDirectoriesOnTheWayMayBeLinks) {
  const std::string link = dir_ + "/link.yaml", directory = dir_ + "/..data";
  ASSERT_EQ(::symlink(file_.c_str(), link.c_str()), 0);
  EXPECT_THAT(ReadOperatorFile(link, 100), StatusIs(kUnsafe, HasSubstr("is a symbolic link")));
  ASSERT_EQ(::symlink(dir_.c_str(), directory.c_str()), 0);
  EXPECT_THAT(ReadOperatorFile(directory + "/policy.yaml", 100), IsOk());
}

TEST_F(OperatorFileTest, OnlyARegularFileIsReadAndAFifoHoldsNobodyUp) {
  const std::string fifo = dir_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(ReadOperatorFile(fifo, 100), StatusIs(kUnsafe, HasSubstr("not a regular file")));
  EXPECT_THAT(ReadOperatorFile(dir_, 100), StatusIs(kUnsafe, HasSubstr("not a regular file")));
}

TEST_F(OperatorFileTest, ErrnoIsKeptAndTheLimitHolds) {
  EXPECT_EQ(GetErrno(ReadOperatorFile(dir_ + "/none.yaml", 100).status()), ENOENT);
  EXPECT_EQ(GetErrno(ReadOperatorFile(dir_ + "/none/policy.yaml", 100).status()), ENOENT);
  EXPECT_THAT(ReadOperatorFile(file_, 4), StatusIs(absl::StatusCode::kOutOfRange, ::testing::_));
}

struct stat Info(mode_t mode, uid_t owner) {
  struct stat out {};
  out.st_mode = mode;
  out.st_uid = owner;
  return out;
}

TEST(OperatorFileRuleTest, TheOwnerMustBeOneOfThese) {
  const auto file = Info(S_IFREG | 0644, 1000), roots = Info(S_IFREG | 0644, 0);
  const auto directory = Info(S_IFDIR | 0755, 0), theirs = Info(S_IFDIR | 01755, 1000);
  EXPECT_THAT(JudgeOperatorFile("/etc/vortex/policy.yaml", file, directory, {0}),
              StatusIs(kUnsafe, AllOf(HasSubstr("mode 0644 and owner 1000"),
                                      HasSubstr("its owner must be root"))));
  EXPECT_THAT(JudgeOperatorFile("/p", file, directory, {0, 1000}), IsOk());
  EXPECT_THAT(JudgeOperatorFile("/p", roots, directory, {0}), IsOk());
  EXPECT_THAT(JudgeOperatorFile("/x/p", roots, theirs, {0}),
              StatusIs(kUnsafe, HasSubstr("directory /x has mode 1755 and owner 1000")));
}

TEST(OperatorFileRuleTest, TheCallerIsAmongTheOwners) {
  EXPECT_THAT(OperatorFileOwners(), ::testing::Contains(uid_t{0}));
  EXPECT_THAT(OperatorFileOwners(), ::testing::Contains(::geteuid()));
}

}  // namespace
}  // namespace vortex::sandbox
