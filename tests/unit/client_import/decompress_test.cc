// SPDX-License-Identifier: Apache-2.0
#include "client/import/decompress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/status.h"
#include "unit/client_import/image_fixture.h"

namespace vortex::client::importing {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<std::string> Expand(const std::string& bytes,
                                   const base::Cancellation* cancel = nullptr) {
  base::UniqueFd fd(::memfd_create("compressed", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  VX_ASSIGN_OR_RETURN(const base::UniqueFd out,
                      ExpandToTemporary(fd.get(), DetectCompression(bytes), "x.gz", cancel));
  std::string text(static_cast<std::size_t>(::lseek(out.get(), 0, SEEK_END)), '\0');
  EXPECT_EQ(::pread(out.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  return text;
}

std::string Sample() {
  std::string out;
  for (int i = 0; i < 200'000; ++i) out += std::to_string(i * 7919);
  return out;
}

TEST(DecompressTest, ExpandsGzipAndZstd) {
  const std::string text = Sample();
  const auto gzip = Expand(test::Gzip(text));
  ASSERT_TRUE(gzip.ok()) << gzip.status();
  EXPECT_TRUE(*gzip == text);
  const auto zstd = Expand(test::Zstd(text));
  ASSERT_TRUE(zstd.ok()) << zstd.status();
  EXPECT_TRUE(*zstd == text);
}

TEST(DecompressTest, ExpandsConcatenatedMembers) {
  EXPECT_EQ(*Expand(test::Gzip("one") + test::Gzip("two")), "onetwo");
  EXPECT_EQ(*Expand(test::Zstd("one") + test::Zstd("two")), "onetwo");
  EXPECT_EQ(*Expand(test::Gzip("one") + std::string(100, '\0')), "one");
}

TEST(DecompressTest, RefusesCutAndDamagedData) {
  const std::string gzip = test::Gzip(Sample());
  const std::string zstd = test::Zstd(Sample());
  EXPECT_THAT(std::string(Expand(gzip.substr(0, gzip.size() / 2)).status().message()),
              HasSubstr("cut short"));
  EXPECT_THAT(std::string(Expand(zstd.substr(0, zstd.size() / 2)).status().message()),
              HasSubstr("cut short"));
  std::string damaged = gzip;
  damaged[gzip.size() / 2] = static_cast<char>(damaged[gzip.size() / 2] ^ 0x55);
  EXPECT_EQ(Expand(damaged).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Expand("\x28\xb5\x2f\xfdgarbage").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(DecompressTest, StopsWhenCancelled) {
  base::Cancellation cancel;
  cancel.Cancel();
  EXPECT_TRUE(absl::IsCancelled(Expand(test::Gzip("x"), &cancel).status()));
}

TEST(DecompressTest, KnowsFormatsByTheirFirstBytes) {
  EXPECT_EQ(DetectCompression("BZh9"), Compression::kUnsupported);
  EXPECT_EQ(DetectCompression(""), Compression::kNone);
  EXPECT_EQ(DetectCompression("plain"), Compression::kNone);
}

}  // namespace
}  // namespace vortex::client::importing
