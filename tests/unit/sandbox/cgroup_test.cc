// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "base/status.h"

namespace vortex::sandbox {
namespace {

namespace fs = std::filesystem;

// A cgroup tree of plain files: what is read is text, wherever it stands.
class CgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/cgroup-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  CgroupHost V2() {
    return *CgroupHost::Parse("30 1 0:27 / " + root_ + "/v2 rw - cgroup2 cgroup2 rw,nsdelegate\n");
  }
  CgroupHost V1() {
    std::string text;
    for (const char* controller : {"cpu", "cpuacct", "memory", "pids"}) {
      text += std::string("30 1 0:27 / ") + root_ + "/" + controller + " rw - cgroup cgroup rw," +
              controller + "\n";
    }
    return *CgroupHost::Parse(text);
  }

  std::string root_;
};

TEST_F(CgroupTest, ReadsVersion2) {
  Write("/v2/vortex/r/cpu.stat",
        "usage_usec 1500\nuser_usec 1000\nnr_throttled 4\nthrottled_usec 900\n");
  Write("/v2/vortex/r/cpu.max", "20000 100000\n");
  Write("/v2/vortex/r/memory.peak", "4096\n");
  Write("/v2/vortex/r/memory.max", "67108864\n");
  Write("/v2/vortex/r/memory.swap.max", "0\n");
  Write("/v2/vortex/r/memory.events", "low 0\noom 1\noom_kill 2\noom_group_kill 0\n");
  Write("/v2/vortex/r/pids.max", "max\n");
  Write("/v2/vortex/r/pids.events", "max 3\n");
  const CgroupHost host = V2();
  EXPECT_TRUE(host.v2());
  const RunCgroup cgroup(host, "/vortex/r");
  const CgroupCounters counters = cgroup.ReadCounters();
  EXPECT_EQ(counters.cpu_usec, 1500u);
  EXPECT_EQ(counters.memory_peak_bytes, 4096u);
  EXPECT_EQ(counters.oom_kills, 2u);
  EXPECT_EQ(counters.pids_denied, 3u);
  EXPECT_EQ(counters.throttled_usec, 900u);
  EXPECT_FALSE(counters.pids_peak.has_value());
  const CgroupLimits limits = cgroup.ReadLimits();
  EXPECT_EQ(limits.memory_bytes, 67108864);
  EXPECT_EQ(limits.swap_bytes, 0);
  EXPECT_EQ(limits.millicpus, 200);
  EXPECT_EQ(limits.pids, std::numeric_limits<std::int64_t>::max());
}

TEST_F(CgroupTest, ReadsVersion1) {
  Write("/cpuacct/vortex/r/cpuacct.usage", "2500000\n");
  Write("/cpu/vortex/r/cpu.stat", "nr_periods 9\nnr_throttled 2\nthrottled_time 7000000\n");
  Write("/cpu/vortex/r/cpu.cfs_quota_us", "50000\n");
  Write("/cpu/vortex/r/cpu.cfs_period_us", "100000\n");
  Write("/memory/vortex/r/memory.limit_in_bytes", "67108864\n");
  Write("/memory/vortex/r/memory.memsw.limit_in_bytes", "67108864\n");
  Write("/memory/vortex/r/memory.max_usage_in_bytes", "8192\n");
  Write("/memory/vortex/r/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  Write("/pids/vortex/r/pids.max", "32\n");
  const CgroupHost host = V1();
  EXPECT_FALSE(host.v2());
  const RunCgroup cgroup(host, "/vortex/r");
  const CgroupCounters counters = cgroup.ReadCounters();
  EXPECT_EQ(counters.cpu_usec, 2500u);
  EXPECT_EQ(counters.throttled_usec, 7000u);
  EXPECT_EQ(counters.memory_peak_bytes, 8192u);
  EXPECT_EQ(counters.oom_kills, 1u);
  const CgroupLimits limits = cgroup.ReadLimits();
  EXPECT_EQ(limits.millicpus, 500);
  EXPECT_EQ(limits.swap_bytes, 0);
  EXPECT_EQ(limits.pids, 32);
}

TEST_F(CgroupTest, NoLimitOnVersion1IsNotASmallNumber) {
  Write("/memory/vortex/r/memory.limit_in_bytes", "9223372036854771712\n");
  Write("/cpu/vortex/r/cpu.cfs_quota_us", "-1\n");
  Write("/cpu/vortex/r/cpu.cfs_period_us", "100000\n");
  const CgroupHost host = V1();
  const CgroupLimits limits = RunCgroup(host, "/vortex/r").ReadLimits();
  EXPECT_EQ(limits.memory_bytes, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(limits.millicpus, std::numeric_limits<std::int64_t>::max());
}

TEST_F(CgroupTest, WhatIsNotThereIsAbsentAndNotZero) {
  const CgroupHost host = V2();
  const CgroupCounters counters = RunCgroup(host, "/vortex/none").ReadCounters();
  EXPECT_FALSE(counters.oom_kills.has_value());
  EXPECT_FALSE(RunCgroup(host, "/vortex/none").Exists());
}

TEST(CgroupHostTest, AMissingControllerIsNamed) {
  const auto host = CgroupHost::Parse("30 1 0:27 / /c/memory rw - cgroup cgroup rw,memory\n");
  ASSERT_FALSE(host.ok());
  EXPECT_NE(Message(host.status()).find("controller cpu"), std::string::npos) << host.status();
}

TEST(CgroupHostTest, AHybridHostIsVersion1) {
  const auto host = CgroupHost::Parse(
      "30 1 0:27 / /c/memory rw - cgroup cgroup rw,memory\n31 1 0:28 / /c/cpu,cpuacct rw - cgroup "
      "cgroup rw,cpu,cpuacct\n"
      "32 1 0:29 / /c/pids rw - cgroup cgroup rw,pids\n33 1 0:30 / /c/unified rw - cgroup2 cgroup2 "
      "rw\n");
  ASSERT_TRUE(host.ok()) << host.status();
  EXPECT_FALSE(host->v2());
  EXPECT_EQ(host->Dir("cpuacct", "/vortex/r"), "/c/cpu,cpuacct/vortex/r");
}

}  // namespace
}  // namespace vortex::sandbox
