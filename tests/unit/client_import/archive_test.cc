// SPDX-License-Identifier: Apache-2.0
#include "client/import/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/status.h"
#include "unit/client_import/image_fixture.h"

namespace vortex::client::importing {
namespace {

using test::Files;
using test::MakeTar;
using test::TempDir;
using test::WriteFile;
using test::WriteTree;
using ::testing::HasSubstr;

std::string Text(const Archive& archive, const std::string& name) {
  const auto file = archive.Open(name);
  if (!file.ok()) return "error: " + std::string(Message(file.status()));
  return file->ReadAll(1000).value_or("?");
}

TEST(ArchiveTest, ReadsADirectoryAndEveryKindOfTarAlike) {
  const TempDir dir;
  const Files files{{"index.json", "{}"}, {"blobs/sha256/ab", "blob"}};
  WriteTree(dir / "layout", files);
  WriteFile(dir / "plain.tar", MakeTar(files));
  WriteFile(dir / "gzip.tar", test::Gzip(MakeTar(files)));
  WriteFile(dir / "zstd.tar", test::Zstd(MakeTar(files)));
  for (const char* name : {"layout", "plain.tar", "gzip.tar", "zstd.tar"}) {
    const auto archive = Archive::Open(dir / name, nullptr);
    ASSERT_TRUE(archive.ok()) << archive.status();
    EXPECT_EQ(Text(**archive, "index.json"), "{}") << name;
    EXPECT_EQ(Text(**archive, "blobs/sha256/ab"), "blob") << name;
    EXPECT_TRUE(absl::IsNotFound((*archive)->Open("nothing").status())) << name;
    EXPECT_THAT(Text(**archive, "../x"), HasSubstr("\"..\"")) << name;
    EXPECT_THAT(Text(**archive, "/etc/passwd"), HasSubstr("absolute")) << name;
  }
}

TEST(ArchiveTest, ReadsAtAnyOffset) {
  const TempDir dir;
  WriteFile(dir / "a.tar", MakeTar(Files{{"x", "0123456789"}, {"y", "next"}}));
  const auto archive = Archive::Open(dir / "a.tar", nullptr);
  ASSERT_TRUE(archive.ok()) << archive.status();
  const auto file = (*archive)->Open("x");
  ASSERT_TRUE(file.ok());
  char buffer[100];
  EXPECT_EQ(*file->ReadAt(7, buffer, sizeof buffer), 3u);
  EXPECT_EQ(std::string(buffer, 3), "789");
  EXPECT_EQ(*file->ReadAt(10, buffer, sizeof buffer), 0u);
  EXPECT_EQ(*file->ReadAt(2, buffer, 2), 2u);
  EXPECT_THAT(std::string(Message(file->ReadAll(5).status())), HasSubstr("10 bytes, at most 5"));
}

TEST(ArchiveTest, RefusesLinksInADirectory) {
  const TempDir dir;
  WriteFile(dir / "secret", "secret");
  WriteTree(dir / "layout", {{"blobs/real", "real"}});
  ASSERT_EQ(::symlink("../../secret", (dir / "layout/blobs/out").c_str()), 0);
  ASSERT_EQ(::symlink("real", (dir / "layout/blobs/in").c_str()), 0);
  ASSERT_EQ(::symlink("..", (dir / "layout/up").c_str()), 0);
  const auto archive = Archive::Open(dir / "layout", nullptr);
  ASSERT_TRUE(archive.ok()) << archive.status();
  for (const char* name : {"blobs/out", "blobs/in", "up/secret"}) {
    const auto file = (*archive)->Open(name);
    EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(Message(file.status())), HasSubstr("symbolic link")) << name;
  }
}

TEST(ArchiveTest, RefusesWhatIsNoRegularFile) {
  const TempDir dir;
  WriteTree(dir / "layout", {{"blobs/real", "real"}});
  ASSERT_EQ(::mkfifo((dir / "layout/fifo").c_str(), 0600), 0);
  const auto archive = Archive::Open(dir / "layout", nullptr);
  ASSERT_TRUE(archive.ok()) << archive.status();
  // Must not block for want of a writer.
  EXPECT_THAT(Text(**archive, "fifo"), HasSubstr("not a regular file"));
  EXPECT_THAT(Text(**archive, "blobs"), HasSubstr("not a regular file"));
  EXPECT_THAT(Text(**archive, "."), HasSubstr("is not a file"));
  EXPECT_THAT(std::string(Message(Archive::Open(dir / "layout/fifo", nullptr).status())),
              HasSubstr("neither a directory nor a regular file"));
}

TEST(ArchiveTest, FollowsLinksInsideATar) {
  const TempDir dir;
  WriteFile(dir / "a.tar", MakeTar({{"one/layer.tar", "data", '0', ""},
                                    {"two/layer.tar", "", '2', "../one/layer.tar"},
                                    {"three", "", '1', "one/layer.tar"},
                                    {"four", "", '2', "two/layer.tar"},
                                    {"out", "", '2', "../../etc/passwd"},
                                    {"abs", "", '2', "/etc/passwd"},
                                    {"hardout", "", '1', "../x"},
                                    {"loop", "", '2', "loop"},
                                    {"gone", "", '2', "nowhere"}}));
  const auto archive = Archive::Open(dir / "a.tar", nullptr);
  ASSERT_TRUE(archive.ok()) << archive.status();
  for (const char* name : {"two/layer.tar", "three", "four"})
    EXPECT_EQ(Text(**archive, name), "data") << name;
  EXPECT_THAT(Text(**archive, "out"), HasSubstr("leads out of the archive"));
  EXPECT_THAT(Text(**archive, "abs"), HasSubstr("absolute"));
  EXPECT_THAT(Text(**archive, "hardout"), HasSubstr("\"..\""));
  EXPECT_THAT(Text(**archive, "loop"), HasSubstr("link to a link"));
  EXPECT_THAT(Text(**archive, "gone"), HasSubstr("no file \"nowhere\""));
}

TEST(ArchiveTest, SaysWhatIsWrongWithTheFile) {
  const TempDir dir;
  WriteFile(dir / "text", std::string(1000, 'x'));
  WriteFile(dir / "xz", "\xfd\x37zXZ" + std::string(1000, 'x'));
  WriteFile(dir / "empty", "");
  WriteFile(dir / "gz", test::Gzip("not a tar"));
  const auto refusal = [&](const std::string& name) {
    return std::string(Message(Archive::Open(dir / name, nullptr).status()));
  };
  EXPECT_THAT(refusal("text"), HasSubstr("not a tar archive"));
  EXPECT_THAT(refusal("xz"), HasSubstr("xz"));
  EXPECT_THAT(refusal("empty"), HasSubstr("the file is empty"));
  EXPECT_THAT(refusal("gz"), HasSubstr("cut short"));
  EXPECT_TRUE(absl::IsNotFound(Archive::Open(dir / "nothing", nullptr).status()));
}

TEST(ArchiveTest, NoticesAFileThatShrinks) {
  const TempDir dir;
  WriteTree(dir / "layout", {{"x", "0123456789"}});
  const auto archive = Archive::Open(dir / "layout", nullptr);
  ASSERT_TRUE(archive.ok());
  const auto file = (*archive)->Open("x");
  ASSERT_TRUE(file.ok());
  ASSERT_EQ(::truncate((dir / "layout/x").c_str(), 4), 0);
  EXPECT_THAT(std::string(Message(file->ReadAll(100).status())), HasSubstr("shorter"));
}

}  // namespace
}  // namespace vortex::client::importing
