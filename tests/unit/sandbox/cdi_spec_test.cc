// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cdi_spec.h"

#include <gmock/gmock.h>

#include "support/status_matchers.h"

namespace vortex::sandbox {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;
using vortex::testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// As nvidia-ctk writes it, shortened.
constexpr char kNvidia[] = R"(---
cdiVersion: 0.5.0
containerEdits:
  deviceNodes:
  - path: /dev/nvidia-uvm
  - path: /dev/nvidiactl
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  hooks:
  - args:
    - nvidia-cdi-hook
    - create-symlinks
    - --link
    - libcuda.so.1::/usr/lib/x86_64-linux-gnu/libcuda.so
    hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
  mounts:
  - containerPath: /usr/lib/x86_64-linux-gnu/libcuda.so.550.54.14
    hostPath: /usr/lib/x86_64-linux-gnu/libcuda.so.550.54.14
    options:
    - ro
    - nosuid
    - nodev
    - rbind
    - rprivate
devices:
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
    - path: /dev/dri/renderD128
      hostPath: /dev/dri/renderD129
      type: c
      major: 226
      minor: 129
      fileMode: 438
      permissions: rw
      uid: 0
      gid: 44
  name: "0"
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: all
kind: nvidia.com/gpu
)";

TEST(CdiSpecTest, AFileAsNvidiasGeneratorWritesIt) {
  VX_ASSERT_OK_AND_ASSIGN(const CdiSpec spec, ParseCdiSpec(kNvidia, "/etc/cdi/nvidia.yaml"));
  ASSERT_THAT(spec.devices, SizeIs(2));
  EXPECT_EQ(spec.devices[0].name, "nvidia.com/gpu=0");
  EXPECT_EQ(spec.devices[0].where, "/etc/cdi/nvidia.yaml:27");
  EXPECT_EQ(spec.devices[1].name, "nvidia.com/gpu=all");
  EXPECT_THAT(spec.edits.device_nodes, SizeIs(2));
  EXPECT_EQ(spec.edits.env[0].entry, "NVIDIA_VISIBLE_DEVICES=void");
  EXPECT_EQ(spec.edits.hooks[0].args[1], "create-symlinks");
  EXPECT_EQ(spec.edits.mounts[0].options[0], "ro");
  const oci::CdiDeviceNode& node = spec.devices[0].edits.device_nodes[1];
  EXPECT_EQ(node.where, "/etc/cdi/nvidia.yaml:30: devices[0].containerEdits.deviceNodes[1]");
  EXPECT_EQ(node.host_path, "/dev/dri/renderD129");
  EXPECT_EQ(node.major, 226);
  EXPECT_EQ(node.minor, 129);
  EXPECT_EQ(node.file_mode, 0666u);
  EXPECT_EQ(node.gid, 44u);
  EXPECT_EQ(node.permissions, "rw");
}

TEST(CdiSpecTest, JsonOfAnySizeAndForm) {
  std::string devices;
  for (int i = 0; i < 200; ++i) {
    devices += (i == 0 ? "" : ",\n\t") + std::string("{\"name\":\"") + std::to_string(i) +
               R"(", "containerEdits": {"deviceNodes": [{"path": "\/dev\/x"}]}})";
  }
  const std::string text =
      "{\n\t\"cdiVersion\": \"0.6.0\",\n\t\"kind\": \"a.b/c\",\n\t\"devices\": [" + devices +
      "]\n}";
  VX_ASSERT_OK_AND_ASSIGN(const CdiSpec spec, ParseCdiSpec(text, "x.json"));
  EXPECT_THAT(spec.devices, SizeIs(200));
  EXPECT_EQ(spec.devices[7].edits.device_nodes[0].path, "/dev/x");
}

TEST(CdiSpecTest, AnnotationsAreAllowedAndNotLookedAt) {
  EXPECT_TRUE(ParseCdiSpec("{cdiVersion: v0.6.0, kind: a/b, annotations: {x: \"1\"}, devices: "
                           "[{name: d, annotations: {y: z}, containerEdits: {}}]}",
                           "x.yaml")
                  .ok());
}

struct Bad {
  std::string text;
  std::string message;
};

std::string One(const std::string& edits) {
  return "cdiVersion: 1.0.0\nkind: a.b/c\ndevices:\n- name: d\n  containerEdits:\n" + edits;
}

TEST(CdiSpecTest, WhatIsNotUnderstoodIsRefusedWithItsPlace) {
  const std::vector<Bad> bad = {
      {"", "is empty"},
      {"[]", "must be a mapping"},
      {"kind: a/b\ndevices: []", "cdiVersion is missing"},
      {"cdiVersion: 1.0.0\ndevices: []", "kind is missing"},
      {"cdiVersion: 1.0.0\nkind: a/b", "devices is missing"},
      {"cdiVersion: 1.0.0\nkind: a/b\ndevices: []", "3:10: devices: is empty"},
      {"cdiVersion: 0.2.0\nkind: a/b\ndevices: []", "\"0.2.0\" is not a known version"},
      {"cdiVersion: 2.0.0\nkind: a/b\ndevices: []", "\"2.0.0\" is not a known version"},
      {"cdiVersion: \"\\x01\"\nkind: a/b\ndevices: []", "control character"},
      {"cdiVersion: 1.0.0\nkind: nvidia\ndevices: []", "\"nvidia\" is not VENDOR/CLASS"},
      {"cdiVersion: 1.0.0\nkind: a/b/c\ndevices: []", "is not VENDOR/CLASS"},
      {"cdiVersion: 1.0.0\nkind: 1a/b\ndevices: []", "is not VENDOR/CLASS"},
      {"cdiVersion: 1.0.0\nkind: a/b-\ndevices: []", "is not VENDOR/CLASS"},
      {"cdiVersion: 0.5.0\nkind: a/b.c\ndevices: []", "kind: is of CDI 0.6.0 or later"},
      {"cdiVersion: 1.0.0\nkind: a/b\ndevices: []\nmore: 1", "unknown key \"more\""},
      {"cdiVersion: 1.0.0\nkind: a/b\nkind: a/b\ndevices: []", "stands twice"},
      {"cdiVersion: 1.0.0\nkind: a/b\ndevices: [{containerEdits: {}}]", "name is missing"},
      {"cdiVersion: 1.0.0\nkind: a/b\ndevices: [{name: x}]", "containerEdits is missing"},
      {"cdiVersion: 1.0.0\nkind: a/b\ndevices: [{name: -x, containerEdits: {}}]",
       "\"-x\" is not a device name"},
      {"cdiVersion: 0.4.0\nkind: a/b\ndevices: [{name: \"0\", containerEdits: {}}]",
       "is of CDI 0.5.0 or later, but the file says cdiVersion 0.4.0"},
      {"cdiVersion: 1.0.0\nkind: a/b\ndevices: [{name: x, containerEdits: {}}, {name: x, "
       "containerEdits: {}}]",
       "a/b=x stands twice"},
      {"a: &x 1\nb: *x", "anchors and aliases are not allowed"},
      {"--- a\n--- b", "exactly one"},
      {One("    hooks: 5\n"), "x.yaml:6:12: devices[0].containerEdits.hooks: must be a list"},
      {One("    additionalGids: [44]\n"), "groups of the host mean nothing"},
      {One("    intelRdt: {closID: x}\n"), "intelRdt: is not supported"},
      {One("    netDevices: [{hostInterfaceName: eth0, name: eth0}]\n"), "is not supported"},
      {One("    deviceNodes: [{hostPath: /dev/x}]\n"), "path is missing"},
      {One("    deviceNodes: [{path: dev/x}]\n"), "\"dev/x\" is not an absolute path"},
      {One("    deviceNodes: [{path: /dev/x, major: -1}]\n"), "\"-1\" is not a decimal number"},
      {One("    deviceNodes: [{path: /dev/x, major: \"1\"}]\n"), "without quotes"},
      {One("    deviceNodes: [{path: /dev/x, major: 4096}]\n"), "from 0 to 4095"},
      {One("    deviceNodes: [{path: /dev/x, minor: 99999999999999999999}]\n"), "decimal number"},
      {One("    deviceNodes: [{path: /dev/x, fileMode: 0666}]\n"), "a mode of 0666 is 438"},
      {One("    deviceNodes: [{path: /dev/x, major: 0x10}]\n"), "decimal number"},
      {One("    deviceNodes: [{path: /dev/x, mode: 1}]\n"), "unknown key \"mode\""},
      {One("    mounts: [{hostPath: /a}]\n"), "containerPath is missing"},
      {One("    mounts: [{containerPath: /a}]\n"), "hostPath is missing"},
      {One("    mounts: [{containerPath: /a, hostPath: b}]\n"), "\"b\" is not an absolute path"},
      {One("    hooks: [{hookName: postmortem, path: /x}]\n"), "\"postmortem\" is not a hook"},
      {One("    hooks: [{hookName: prestart}]\n"), "path is missing"},
      {One("    hooks: [{hookName: prestart, path: x}]\n"), "not an absolute path"},
      {One("    env: [[A=1]]\n"), "must be a single value"},
      {One("    env: [\"A=\\0\"]\n"), "control character"},
  };
  for (const Bad& item : bad) {
    EXPECT_THAT(ParseCdiSpec(item.text, "x.yaml").status(),
                StatusIs(kInvalid, AllOf(StartsWith("x.yaml"), HasSubstr(item.message))))
        << item.text;
  }
}

TEST(CdiSpecTest, AFeatureNeedsItsVersion) {
  const auto error = [](const std::string& version, const std::string& edits) {
    return ParseCdiSpec("cdiVersion: " + version +
                            "\nkind: a/b\ndevices: [{name: x, containerEdits: {" + edits + "}}]",
                        "x.yaml")
        .status();
  };
  EXPECT_THAT(error("0.4.0", "deviceNodes: [{path: /dev/x, hostPath: /dev/y}]"),
              StatusIs(kInvalid, HasSubstr("hostPath: is of CDI 0.5.0 or later")));
  EXPECT_TRUE(error("0.5.0", "deviceNodes: [{path: /dev/x, hostPath: /dev/y}]").ok());
  EXPECT_THAT(error("0.3.0", "mounts: [{hostPath: /a, containerPath: /a, type: bind}]"),
              StatusIs(kInvalid, HasSubstr("type: is of CDI 0.4.0 or later")));
}

TEST(CdiSpecTest, LargeAndDeepFilesAreRefusedBeforeTheyAreParsed) {
  EXPECT_THAT(ParseCdiSpec(std::string(kMaxCdiBytes + 1, ' '), "x.json").status(),
              StatusIs(kInvalid, HasSubstr("more than the limit")));
  EXPECT_THAT(ParseCdiSpec(std::string(100000, '['), "x.json").status(),
              StatusIs(kInvalid, HasSubstr("is not JSON")));
  EXPECT_THAT(ParseCdiSpec(std::string(60, '[') + std::string(60, ']'), "x.json").status(),
              StatusIs(kInvalid, HasSubstr("must be a mapping")));
  EXPECT_THAT(ParseCdiSpec(std::string(1000, '['), "x.yaml").status(),
              StatusIs(kInvalid, HasSubstr("opening brackets")));
  EXPECT_THAT(ParseCdiSpec("{\"a\": 1,\n]", "x.json").status(),
              StatusIs(kInvalid, StartsWith("x.json:2: is not JSON")));
  EXPECT_THAT(ParseCdiSpec("kind: a/b\n", "x.json").status(),
              StatusIs(kInvalid, HasSubstr("JSON")));
}

}  // namespace
}  // namespace vortex::sandbox
