// SPDX-License-Identifier: Apache-2.0
#include "client/import/tar_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/status.h"
#include "base/unique_fd.h"
#include "unit/client_import/image_fixture.h"

namespace vortex::client::importing {
namespace {

using test::Files;
using test::MakeTar;
using test::Pad;
using test::TarEnd;
using test::TarHeader;
using ::testing::HasSubstr;

absl::StatusOr<TarIndex> Index(const std::string& bytes,
                               const base::Cancellation* cancel = nullptr) {
  base::UniqueFd fd(::memfd_create("tar", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return IndexTar(fd.get(), static_cast<std::int64_t>(bytes.size()), "t.tar", cancel);
}

// The error's message; empty when there was none.
std::string Refusal(const std::string& bytes) {
  const auto index = Index(bytes);
  if (index.ok()) return "";
  EXPECT_EQ(index.status().code(), absl::StatusCode::kInvalidArgument) << index.status();
  return std::string(Message(index.status()));
}

std::string PaxRecord(const std::string& key, const std::string& value) {
  std::size_t length = key.size() + value.size() + 3;
  while (std::to_string(length).size() + key.size() + value.size() + 3 != length) ++length;
  return std::to_string(length) + " " + key + "=" + value + "\n";
}

std::string Pax(const std::string& records, char type = 'x') {
  return TarHeader({"pax", "", type, ""}, records.size()) + Pad(records);
}

TEST(TarIndexTest, FindsFilesByNormalisedName) {
  const std::string tar = MakeTar({{"./", "", '5', ""},
                                   {"./a//b", "hello", '0', ""},
                                   {"dir/", "", '5', ""},
                                   {"null", "", '3', ""},
                                   {"c", "x", '\0', ""}});
  const auto index = Index(tar);
  ASSERT_TRUE(index.ok()) << index.status();
  ASSERT_EQ(index->size(), 2u);
  EXPECT_EQ(index->at("a/b").size, 5);
  EXPECT_EQ(tar.substr(static_cast<std::size_t>(index->at("a/b").offset), 5), "hello");
  EXPECT_EQ(index->at("c").size, 1);
}

TEST(TarIndexTest, KeepsLinks) {
  const auto index = Index(MakeTar({{"s", "", '2', "../x"}, {"h", "", '1', "x"}}));
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(index->at("s").kind, TarEntry::Kind::kSymlink);
  EXPECT_EQ(index->at("s").link, "../x");
  EXPECT_EQ(index->at("h").kind, TarEntry::Kind::kHardlink);
}

TEST(TarIndexTest, ReadsGnuLongNames) {
  const std::string name = std::string(150, 'd') + "/" + std::string(150, 'f');
  const auto index = Index(MakeTar({{name, "x", '0', ""}, {"l", "", '2', name}}));
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(index->count(name), 1u);
  EXPECT_EQ(index->at("l").link, name);
}

TEST(TarIndexTest, ReadsPaxPathAndSize) {
  const std::string name(200, 'n');
  // The header's own size is wrong on purpose: the pax one goes before it, for this entry only.
  const std::string tar = Pax(PaxRecord("path", name) + PaxRecord("size", "3")) +
                          TarHeader({"short", "", '0', ""}, 0) + Pad("abc") +
                          TarHeader({"next", "", '0', ""}, 2) + Pad("de") + TarEnd();
  const auto index = Index(tar);
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(index->at(name).size, 3);
  EXPECT_EQ(index->at("next").size, 2);
}

TEST(TarIndexTest, ReadsBase256Sizes) {
  std::string header = TarHeader({"big", "", '0', ""}, 0);
  header.replace(124, 12, std::string("\x80\0\0\0\0\0\0\0\0\0\0\x05", 12));
  header.replace(148, 8, "        ");
  std::uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  char text[16];
  std::snprintf(text, sizeof text, "%06llo", static_cast<unsigned long long>(sum));
  header.replace(148, 7, std::string(text, 7));
  const auto index = Index(header + Pad("hello") + TarEnd());
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(index->at("big").size, 5);
}

TEST(TarIndexTest, RefusesNamesThatLeaveTheArchive) {
  EXPECT_THAT(Refusal(MakeTar({{"a/../../b", "x", '0', ""}})), HasSubstr("\"..\" component"));
  EXPECT_THAT(Refusal(MakeTar({{"/etc/passwd", "x", '0', ""}})), HasSubstr("is absolute"));
  EXPECT_THAT(Refusal(Pax(PaxRecord("path", "../b")) + MakeTar({{"a", "x", '0', ""}})),
              HasSubstr("\"..\" component"));
  EXPECT_THAT(
      Refusal(Pax(PaxRecord("path", std::string("a\0b", 3))) + MakeTar({{"a", "x", '0', ""}})),
      HasSubstr("NUL"));
}

TEST(TarIndexTest, RefusesAFileThatIsThereTwice) {
  EXPECT_THAT(Refusal(MakeTar({{"a", "1", '0', ""}, {"./a", "2", '0', ""}})),
              HasSubstr("\"a\" is in the archive twice"));
}

TEST(TarIndexTest, RefusesCutArchives) {
  const std::string whole = MakeTar(Files{{"a", std::string(2000, 'x')}});
  for (std::size_t cut = 1; cut < 512 + 2048; ++cut) {
    // At every byte up to the end marker.
    if (cut % 97 != 0 && cut % 512 != 0) continue;
    EXPECT_THAT(Refusal(whole.substr(0, cut)), HasSubstr("cut short")) << cut;
  }
  EXPECT_THAT(Refusal(whole.substr(0, 512 + 2048)), HasSubstr("end-of-archive"));
  EXPECT_EQ(Refusal(whole), "");
}

TEST(TarIndexTest, RefusesNonsense) {
  EXPECT_THAT(Refusal(""), HasSubstr("empty"));
  std::string damaged = MakeTar(Files{{"a", "x"}});
  damaged[3] = 'q';
  EXPECT_THAT(Refusal(damaged), HasSubstr("checksum"));
  EXPECT_THAT(Refusal(MakeTar({{"a", "x", 'S', ""}})), HasSubstr("sparse"));
  EXPECT_THAT(Refusal(Pax("99 path=x\n") + TarEnd()), HasSubstr("bad record"));
  EXPECT_THAT(Refusal(Pax("0 x=y\n") + TarEnd()), HasSubstr("bad record"));
  EXPECT_THAT(Refusal(Pax("8 patxx\n") + TarEnd()), HasSubstr("without"));
  EXPECT_THAT(Refusal(Pax(PaxRecord("size", "-1")) + TarEnd()), HasSubstr("pax size"));
  EXPECT_THAT(Refusal(Pax(PaxRecord("size", "12345678901234567890")) + TarEnd()),
              HasSubstr("pax size"));
  EXPECT_THAT(Refusal(Pax(PaxRecord("path", "x"), 'g') + TarEnd()), HasSubstr("global pax"));
  EXPECT_THAT(Refusal(TarHeader({"x", "", 'x', ""}, 2u << 20) + std::string(2u << 20, 'a')),
              HasSubstr("extended header of"));
  EXPECT_THAT(Refusal(MakeTar({{std::string(5000, 'n'), "x", '0', ""}})), HasSubstr("at most"));
}

TEST(TarIndexTest, AcceptsAnEmptyTar) {
  const auto index = Index(TarEnd());
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_TRUE(index->empty());
}

TEST(TarIndexTest, StopsWhenCancelled) {
  base::Cancellation cancel;
  cancel.Cancel();
  EXPECT_TRUE(absl::IsCancelled(Index(MakeTar(Files{{"a", "x"}}), &cancel).status()));
}

}  // namespace
}  // namespace vortex::client::importing
