// SPDX-License-Identifier: Apache-2.0
#include "shim/runtime_driver.h"

#include <gtest/gtest.h>

namespace vortex::shim {
namespace {

TEST(RuntimeDriverTest, ByFileNameOfTheBinary) {
  EXPECT_EQ(DriverFor({}, "runc").name, "runc");
  EXPECT_EQ(DriverFor({}, "/usr/bin/crun").name, "crun");
  EXPECT_EQ(DriverFor({}, "/opt/runsc-debug").name, "runsc");
  EXPECT_EQ(DriverFor({}, "/runsc/something").name, "runc");
  EXPECT_EQ(DriverFor({}, "no-runc").name, "runc");
}

TEST(RuntimeDriverTest, AnOptionOverridesTheName) {
  RuntimeOptions options;
  options.driver = "runsc";
  EXPECT_EQ(DriverFor(options, "/usr/bin/wrapper").name, "runsc");
}

TEST(RuntimeDriverTest, ClassesOfJobs) {
  EXPECT_EQ(DriverForClass("gvisor")->name, "runsc");
  EXPECT_EQ(DriverForClass("crun")->name, "crun");
  EXPECT_EQ(DriverForClass("kata"), nullptr);
  EXPECT_EQ(DriverForClass(""), nullptr);
}

TEST(MeansNotFoundTest, TextsOfTheThreeRuntimes) {
  for (const char* text :
       {"container not running", "os: process already finished", "container \"x\" does not exist",
        "error opening file `/run/crun/x/status`: No such file or directory",
        "cannot open directory /x: No such file or directory", "open pidfd: No such process",
        "sandbox is not running", "loading container \"x\": file does not exist"}) {
    EXPECT_TRUE(MeansNotFound(text)) << text;
  }
  for (const char* text : {"", "permission denied", "exec: no such file or directory"})
    EXPECT_FALSE(MeansNotFound(text)) << text;
}

}  // namespace
}  // namespace vortex::shim
