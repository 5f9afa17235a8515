// SPDX-License-Identifier: Apache-2.0
#include "cli/report.h"

#include <gtest/gtest.h>

namespace vortex::cli {
namespace {

// A plugin's text must not draw on the terminal, nor look like a line of vortexctl's own.
TEST(PrintableTest, WhatATerminalObeysBecomesABlank) {
  EXPECT_EQ(Printable("\x1b[2Ja\r\nvortexctl: fine\x07\x7f"), " [2Ja  vortexctl: fine  ");
  EXPECT_EQ(Printable("a\xc2\x9b"
                      "b\u202ec\u2066d\u2028e"),
            "a b c d e");
  EXPECT_EQ(Printable("größer \u00a0 日本"), "größer \u00a0 日本");
  EXPECT_EQ(Printable(""), "");
}

TEST(PrintableTest, ALineIsCutAndSaysSo) {
  EXPECT_EQ(Line("ab"), "ab");
  EXPECT_EQ(Line(std::string(500, 'x')), std::string(160, 'x') + "… (500 bytes)");
}

}  // namespace
}  // namespace vortex::cli
