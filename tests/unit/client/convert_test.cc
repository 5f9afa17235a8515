// SPDX-License-Identifier: Apache-2.0
#include "client/convert.h"

#include <gmock/gmock.h>

#include <limits>
#include <regex>

#include "client/leases.h"

namespace vortex::client {
namespace {

google::protobuf::Timestamp At(std::int64_t seconds, std::int32_t nanos) {
  google::protobuf::Timestamp out;
  out.set_seconds(seconds);
  out.set_nanos(nanos);
  return out;
}

TEST(ConvertTest, TimesGoThereAndBack) {
  for (const auto& [seconds, nanos] : std::vector<std::pair<std::int64_t, std::int32_t>>{
           {0, 0}, {1'700'000'000, 123'456'789}, {-1, 999'999'999}, {-5, 0}}) {
    const auto back = ToProto(FromProto(At(seconds, nanos)));
    EXPECT_EQ(back.seconds(), seconds);
    EXPECT_EQ(back.nanos(), nanos);
  }
}

TEST(ConvertTest, TimesOutsideTheClocksRangeAreNone) {
  EXPECT_EQ(FromProto(At(-62'135'596'800, 0)), Time{}) << "Go's zero time";
  EXPECT_EQ(FromProto(At(std::numeric_limits<std::int64_t>::max(), 0)), Time{});
  EXPECT_EQ(FromProto(At(std::numeric_limits<std::int64_t>::min(), 0)), Time{});
}

TEST(ConvertTest, DescriptorsAndMountsGoThereAndBack) {
  const Descriptor descriptor{
      .media_type = "m", .digest = "sha256:0", .size = 1LL << 40, .annotations = {{"a", "b"}}};
  const Descriptor back = FromProto(ToProto(descriptor));
  EXPECT_EQ(back.media_type, "m");
  EXPECT_EQ(back.digest, "sha256:0");
  EXPECT_EQ(back.size, 1LL << 40);
  EXPECT_EQ(back.annotations, descriptor.annotations);
  const auto mounts = FromProto(
      ToProto({{.type = "bind", .source = "/a", .target = "/b", .options = {"ro", "rbind"}}}));
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].target, "/b");
  EXPECT_THAT(mounts[0].options, ::testing::ElementsAre("ro", "rbind"));
}

TEST(ConvertTest, LeaseExpiryIsRfc3339InUtc) {
  EXPECT_TRUE(std::regex_match(LeaseExpiry(std::chrono::hours(24)),
                               std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
  EXPECT_LT(LeaseExpiry(std::chrono::seconds(0)), LeaseExpiry(std::chrono::hours(1)));
}

}  // namespace
}  // namespace vortex::client
