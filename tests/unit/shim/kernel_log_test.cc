// SPDX-License-Identifier: Apache-2.0
#include "shim/kernel_log.h"

#include <gtest/gtest.h>

namespace vortex::shim {
namespace {

constexpr char kRecord[] =
    "6,1234,5678901,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x.scope,"
    "mems_allowed=0,oom_memcg=/a.slice/x.scope,task_memcg=/a.slice/"
    "x.scope,task=work,pid=77,uid=0\n";

TEST(KernelLogTest, AKillInTheCgroupOrBelowIt) {
  EXPECT_TRUE(TellsOfKillIn(kRecord, "/a.slice/x.scope"));
  EXPECT_TRUE(TellsOfKillIn(kRecord, "/a.slice"));
}

TEST(KernelLogTest, OthersAreNotOurs) {
  EXPECT_FALSE(TellsOfKillIn(kRecord, "/a.slice/x"));
  EXPECT_FALSE(TellsOfKillIn(kRecord, "/a.slice/x.scope/init"));
  EXPECT_FALSE(TellsOfKillIn(kRecord, "/b.slice/x.scope"));
  EXPECT_FALSE(TellsOfKillIn(kRecord, "/"));
  EXPECT_FALSE(TellsOfKillIn(kRecord, ""));
}

TEST(KernelLogTest, WhatAnybodyCanWriteIntoTheLogIsNoRecordOfTheKernel) {
  EXPECT_FALSE(
      TellsOfKillIn("12,1,2,-;x oom-kill:constraint=CONSTRAINT_MEMCG,task_memcg=/a,pid=1\n", "/a"));
  EXPECT_FALSE(
      TellsOfKillIn("6,1,2,-;oom-kill:constraint=CONSTRAINT_NONE,task_memcg=/a,task=x\n", "/a"));
  EXPECT_FALSE(TellsOfKillIn("", "/a"));
  EXPECT_FALSE(TellsOfKillIn("1" + std::string(kRecord), "/a.slice/x.scope"));
}

TEST(KernelLogTest, AnEmptyOrForbiddenLogEndsTheReading) {
  KernelLog log;
  EXPECT_FALSE(log.ToldOfKillIn("/vortex-test-no-such-cgroup"));
}

}  // namespace
}  // namespace vortex::shim
