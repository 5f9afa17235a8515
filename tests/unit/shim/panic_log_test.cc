// SPDX-License-Identifier: Apache-2.0
#include "shim/panic_log.h"

#include <gtest/gtest.h>

namespace vortex::shim {
namespace {

TEST(PanicLogTest, TheLineThatSaysWhy) {
  EXPECT_EQ(PanicReason("\n***\npanic: slot is gone\n\ngoroutine 1 [running]:\n"),
            "panic: slot is gone");
  EXPECT_EQ(PanicReason("fatal error: out of memory\n"), "fatal error: out of memory");
}

TEST(PanicLogTest, AnythingElseIsToldByItsFirstLine) {
  EXPECT_EQ(PanicReason(""), "");
  EXPECT_EQ(PanicReason("\n\n"), "");
  EXPECT_EQ(PanicReason("\n  it broke\nthen"), "it broke");
  EXPECT_EQ(PanicReason(std::string(1000, 'x')).size(), 300u);
}

}  // namespace
}  // namespace vortex::shim
