// SPDX-License-Identifier: Apache-2.0
#include "sandbox/runtime_classes.h"

#include <gmock/gmock.h>

#include "support/status_matchers.h"

namespace vortex::sandbox {
namespace {

using oci::RuntimeClass;
using ::testing::HasSubstr;
using testing::StatusIs;

absl::StatusOr<RuntimeClassTable> Parse(std::string_view yaml) {
  return ParseClasses(yaml, "classes.yaml");
}

TEST(RuntimeClassesTest, TheBuiltInTableHasEveryClassOnce) {
  const RuntimeClassTable table = DefaultClasses();
  EXPECT_EQ(table.rows.size(), 4u);
  EXPECT_EQ(table.default_class, RuntimeClass::kRunc);
  EXPECT_EQ(Find(table, RuntimeClass::kGvisor).binary, "runsc");
}

TEST(RuntimeClassesTest, AFileChangesWhatItNamesAndNothingElse) {
  const auto table = Parse(
      "version: 1\ndefault: gvisor\nclasses:\n  gvisor:\n    binary: /opt/runsc\n  crun:\n    "
      "enabled: false\n");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->default_class, RuntimeClass::kGvisor);
  EXPECT_EQ(Find(*table, RuntimeClass::kGvisor).binary, "/opt/runsc");
  EXPECT_EQ(Find(*table, RuntimeClass::kGvisor).runtime_type, "io.containerd.vortex.v2");
  EXPECT_FALSE(Find(*table, RuntimeClass::kCrun).enabled);
  EXPECT_TRUE(Find(*table, RuntimeClass::kRunc).enabled);
}

TEST(RuntimeClassesTest, EachMistakeIsNamedWithItsLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"default: runc\n", "version is missing"},
      {"version: 2\n", "classes.yaml:1:10"},
      {"version: 1\ndefault: docker\n", "use runc, crun, gvisor or kata"},
      {"version: 1\nclasses: {wasm: {}}\n", "wasm"},
      {"version: 1\nclasses: {runc: {path: runc}}\n", "path"},
      {"version: 1\nclasses: {runc: {binary: ./runc}}\n",
       "neither a program's name nor an absolute path"},
      {"version: 1\nclasses: {runc: {binary: \"\"}}\n", "is not a program"},
      {"version: 1\nclasses: {runc: {binary: /usr/bin/}}\n", "is not a program"},
      {"version: 1\nclasses: {runc: {runtime_type: runc}}\n", "io.containerd.vortex.v2"},
      {"version: 1\nclasses: {runc: {runtime_type: io.containerd.}}\n", "io.containerd.vortex.v2"},
      {"version: 1\nclasses: {runc: {runtime_type: io.containerd.v2}}\n",
       "io.containerd.vortex.v2"},
      {"version: 1\nclasses: {runc: {runtime_type: io.containerd.a..v2}}\n",
       "io.containerd.vortex.v2"},
      {"version: 1\nclasses: {runc: {enabled: maybe}}\n", "not true or false"},
  };
  for (const auto& [yaml, words] : cases) {
    EXPECT_THAT(Parse(yaml), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(words)))
        << yaml;
  }
}

TEST(RuntimeClassesTest, ADirectoryOrNothingIsNoRuntime) {
  RuntimeClassTable table = DefaultClasses();
  table.rows[0].binary = "/usr";
  EXPECT_THAT(FindReady(table, table.rows[0].runtime_class),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("runtime class runc: /usr is not an executable file")));
  table.rows[0].binary = "";
  EXPECT_FALSE(FindReady(table, table.rows[0].runtime_class).ok());
}

TEST(RuntimeClassesTest, NotReadySaysWhatIsMissing) {
  RuntimeClassTable table = DefaultClasses();
  for (RuntimeClassInfo& row : table.rows) row.binary = "/nowhere/" + row.binary;
  EXPECT_THAT(FindReady(table, RuntimeClass::kGvisor),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("apt-get install runsc")));
  EXPECT_THAT(FindReady(table, RuntimeClass::kKata),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("kata")));
  table.rows[0] = {RuntimeClass::kRunc, "io.containerd.vortex.v2", "/bin/sh", "", true};
  EXPECT_EQ(*FindReady(table, RuntimeClass::kRunc), "/bin/sh");
  table.rows[0].enabled = false;
  EXPECT_THAT(FindReady(table, RuntimeClass::kRunc),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("switched off")));
}

}  // namespace
}  // namespace vortex::sandbox
