// SPDX-License-Identifier: Apache-2.0
#include "shim/timestamps.h"

#include <gtest/gtest.h>

#include <limits>

namespace vortex::shim {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(TimestampsTest, ADeadlineKeepsItsDistanceOnAnotherClock) {
  EXPECT_EQ(DeadlineOnBootClock(1'000, 400, 50), 650);
  EXPECT_EQ(DeadlineOnBootClock(400, 400, 50), 50);
  EXPECT_EQ(DeadlineOnBootClock(390, 400, 50), 40);
  EXPECT_EQ(DeadlineOnBootClock(0, 400, 50), 0);
  EXPECT_EQ(DeadlineOnBootClock(~0ULL, 400, 50), kMax);
  EXPECT_EQ(DeadlineOnBootClock(static_cast<std::uint64_t>(kMax), 0, 50), kMax);
}

}  // namespace
}  // namespace vortex::shim
