// SPDX-License-Identifier: Apache-2.0
#include "shim/runc_remains.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace vortex::shim {
namespace {

namespace fs = std::filesystem;

// A container that runc has started and whose processes are gone; its cgroups are named, and gone.
constexpr char kDead[] = R"({"id": "c1", "cgroup_paths": {"pids": "/sys/fs/cgroup/pids/vx-none/c1"},
  "config": {"cgroups": {"path": "/vx-none/c1", "Systemd": false}}, "intel_rdt_path": ""})";

class RuncRemainsTest : public ::testing::Test {
 protected:
  RuncRemainsTest() {
    char pattern[] = "/tmp/vortex-runc-remains-XXXXXX";
    base_ = ::mkdtemp(pattern);
    dir_ = base_ / "c1";
    fs::create_directory(dir_);
  }
  ~RuncRemainsTest() override { fs::remove_all(base_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
  }
  // Left to `runc delete`, which needs its state to know what there is.
  void ExpectLeftToRunc(const std::string& state) {
    Write("state.json", state);
    EXPECT_FALSE(RemoveRuncRemains(dir_)) << state;
    EXPECT_TRUE(fs::exists(dir_ / "state.json")) << state;
  }

  fs::path base_;
  fs::path dir_;
};

TEST_F(RuncRemainsTest, ADeadContainerIsForgotten) {
  Write("state.json", kDead);
  EXPECT_TRUE(RemoveRuncRemains(dir_));
  EXPECT_FALSE(fs::exists(dir_));
  EXPECT_TRUE(fs::exists(base_)) << "other containers live beside it";
}

TEST_F(RuncRemainsTest, OneThatNeverStartedIsLeftToRunc) {
  Write("exec.fifo", "");
  ExpectLeftToRunc(kDead);
}

TEST_F(RuncRemainsTest, WhatRuncWouldDoBesidesIsLeftToIt) {
  ExpectLeftToRunc(R"({"cgroup_paths": {"": "/sys/fs/cgroup/vx-none"},
    "config": {"cgroups": {"Systemd": true}}, "intel_rdt_path": ""})");
  ExpectLeftToRunc(R"({"cgroup_paths": {"": "/sys/fs/cgroup/vx-none"},
    "config": {"cgroups": {"Systemd": false}}, "intel_rdt_path": "/sys/fs/resctrl/c1"})");
}

TEST_F(RuncRemainsTest, NothingButCgroupsIsRemoved) {
  const fs::path outside = base_ / "outside";
  fs::create_directory(outside);
  const auto state_of = [](const std::string& cgroup) {
    return R"({"cgroup_paths": {"pids": ")" + cgroup +
           R"("}, "config": {"cgroups": {"Systemd": false}}, "intel_rdt_path": ""})";
  };
  ExpectLeftToRunc(state_of(outside));
  ExpectLeftToRunc(state_of("/sys/fs/cgroup/../../.." + outside.string()));
  EXPECT_TRUE(fs::exists(outside));
  // rmdir(2) refuses it, as it does a group that somebody is still in.
  ExpectLeftToRunc(state_of("/sys/fs/cgroup/."));
}

TEST_F(RuncRemainsTest, AStateThatSaysNothingIsLeftToRunc) {
  ExpectLeftToRunc("");
  ExpectLeftToRunc("{}");
  ExpectLeftToRunc(R"({"cgroup_paths": {}})");
  const std::string dead = kDead;
  ExpectLeftToRunc(dead.substr(0, dead.size() - 1));
  // Each of the three has to be said.
  for (const char* member : {"cgroup_paths", "Systemd", "intel_rdt_path"}) {
    std::string state = kDead;
    state.insert(state.find(member), "x");
    ExpectLeftToRunc(state);
  }
  EXPECT_FALSE(RemoveRuncRemains(base_ / "none"));
}

TEST_F(RuncRemainsTest, ALinkIsNotFollowed) {
  Write("state.json", kDead);
  fs::create_directory_symlink(dir_, base_ / "link");
  EXPECT_FALSE(RemoveRuncRemains(base_ / "link"));
  EXPECT_TRUE(fs::exists(dir_ / "state.json"));
}

}  // namespace
}  // namespace vortex::shim
