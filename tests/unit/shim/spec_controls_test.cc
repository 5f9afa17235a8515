// SPDX-License-Identifier: Apache-2.0
#include "shim/spec_controls.h"

#include <gtest/gtest.h>

namespace vortex::shim {
namespace {

constexpr char kConfig[] = R"({
  "process": {"user": {"uid": 65532, "gid": 65533, "additionalGids": [10, 20]},
    "capabilities": {"bounding": ["CAP_CHOWN", "CAP_NO_SUCH"], "ambient": ["CAP_SYS_ADMIN"]},
    "rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 18446744073709551615}],
    "oomScoreAdj": -5, "apparmorProfile": "p", "selinuxLabel": "s"},
  "root": {"path": "rootfs"},
  "mounts": [{"destination": "/a", "type": "none", "source": "/b", "options": ["rbind", "ro"]}],
  "hooks": {"poststop": [{}], "createContainer": [{"path": "/bin/true"}]},
  "linux": {"namespaces": [{"type": "network", "path": "/n"}],
    "uidMappings": [{"containerID": 0, "hostID": 4294901760, "size": 65536}],
    "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
    "devices": [{"path": "/dev/x"}],
    "resources": {"devices": [{"allow": false, "access": "rwm"},
                              {"allow": true, "type": "c", "major": 10, "access": "rw"}]}}})";

TEST(SpecControlsTest, TakesEveryControl) {
  const auto spec = ParseSpecControls(kConfig);
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->uid, 65532U);
  EXPECT_EQ(spec->gid, 65533U);
  EXPECT_EQ(spec->additional_gids, (std::vector<std::uint64_t>{10, 20}));
  // An unknown name asks for nothing: what it stands for would be too much.
  EXPECT_EQ(spec->capabilities[3], 1U);
  EXPECT_EQ(spec->capabilities[4], 1U << 21);
  ASSERT_EQ(spec->rlimits.size(), 1U);
  EXPECT_EQ(spec->rlimits[0].hard, ~0ULL);
  EXPECT_EQ(spec->oom_score_adj, -5);
  EXPECT_EQ(spec->apparmor_profile, "p");
  EXPECT_EQ(spec->selinux_label, "s");
  EXPECT_EQ(spec->root_path, "rootfs");
  ASSERT_EQ(spec->mounts.size(), 1U);
  EXPECT_TRUE(spec->mounts[0].bind());
  EXPECT_TRUE(spec->mounting_hooks);
  EXPECT_EQ(spec->namespaces[0].path, "/n");
  EXPECT_EQ(spec->uid_mappings[0], (SpecIdMapping{0, 4294901760, 65536}));
  EXPECT_EQ(spec->masked_paths[0], "/proc/kcore");
  EXPECT_EQ(spec->device_paths[0], "/dev/x");
  ASSERT_EQ(spec->device_rules.size(), 2U);
  EXPECT_EQ(spec->device_rules[1].major, 10);
  EXPECT_EQ(spec->device_rules[1].minor, -1);
}

TEST(SpecControlsTest, RefusesWhatIsNoObject) {
  EXPECT_FALSE(ParseSpecControls(""));
  EXPECT_FALSE(ParseSpecControls("[]"));
  EXPECT_FALSE(ParseSpecControls("{\"process\":"));
}

TEST(SpecControlsTest, CapabilityNames) {
  EXPECT_EQ(CapabilityNumber("CAP_CHOWN"), 0U);
  EXPECT_EQ(CapabilityNumber("CAP_CHECKPOINT_RESTORE"), 40U);
  EXPECT_FALSE(CapabilityNumber("CHOWN"));
  EXPECT_EQ(CapabilityName(13), "CAP_NET_RAW");
  EXPECT_EQ(CapabilityName(63), "capability 63");
}

}  // namespace
}  // namespace vortex::shim
