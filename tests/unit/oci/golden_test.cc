// SPDX-License-Identifier: Apache-2.0
// The specs that we generate, as files for a reviewer: oci-specs/golden/. VORTEX_UPDATE_GOLDEN=1
// writes them anew.
#include <gmock/gmock.h>

#include <cstdlib>
#include <functional>

#include "base/files.h"
#include "oci/canonical_json.h"
#include "support/status_matchers.h"
#include "unit/oci/sample_job.h"

namespace vortex::oci {
namespace {

using testing::SampleJob;

struct Golden {
  const char* name;
  RuntimeClass runtime_class;
  std::function<void(JobConfig&)> change;
};

std::string Directory() {
  const char* source = std::getenv("VORTEX_SOURCE_DIR");
  return std::string(source == nullptr ? "." : source) + "/oci-specs/golden/";
}

const Golden kGoldens[] = {
    {"default-runc", RuntimeClass::kRunc, [](JobConfig&) {}},
    {"default-crun", RuntimeClass::kCrun, [](JobConfig&) {}},
    {"default-gvisor", RuntimeClass::kGvisor, [](JobConfig&) {}},
    {"default-kata", RuntimeClass::kKata, [](JobConfig&) {}},
    {"runc-native-command", RuntimeClass::kRunc,
     [](JobConfig& job) {
       job.args = {"/usr/lib/vortex/init", "--", "/plugin/bin/hello", "--fast"};
     }},
    {"runc-tight-limits", RuntimeClass::kRunc,
     [](JobConfig& job) {
       job.limits = {.memory_bytes = 8 << 20,
                     .millicpus = 10,
                     .pids = 4,
                     .tmp_bytes = 4096,
                     .nofile = 16,
                     .fsize_bytes = 1 << 20};
     }},
    {"runc-device", RuntimeClass::kRunc,
     [](JobConfig& job) {
       job.devices = {{.path = "/dev/kvm",
                       .type = "c",
                       .major = 10,
                       .minor = 232,
                       .access = "rw",
                       .file_mode = 0660}};
     }},
    {"runc-capability", RuntimeClass::kRunc,
     [](JobConfig& job) { job.capabilities = {"CAP_NET_BIND_SERVICE"}; }},
    {"runc-network-namespace", RuntimeClass::kRunc,
     [](JobConfig& job) { job.network_namespace_path = "/run/netns/vortex-" + job.run_id; }},
    {"runc-mount", RuntimeClass::kRunc,
     [](JobConfig& job) {
       job.mounts = {{.source = "/srv/models", .destination = "/models", .read_only = true}};
     }},
    {"runc-cgroup-v2", RuntimeClass::kRunc, [](JobConfig& job) { job.cgroup_v2 = true; }}};

class GoldenTest : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenTest, SpecIsAsReviewed) {
  JobConfig job = SampleJob(GetParam().runtime_class);
  GetParam().change(job);
  VX_ASSERT_OK_AND_ASSIGN(const Spec spec, BuildSpec(job));
  const std::string text = ToPrettyJson(spec);
  const std::string path = Directory() + GetParam().name + ".json";
  if (std::getenv("VORTEX_UPDATE_GOLDEN") != nullptr) {
    ASSERT_THAT(base::WriteFileAtomic(path, text, 0644), vortex::testing::IsOk());
    GTEST_SKIP() << "wrote " << path;
  }
  VX_ASSERT_OK_AND_ASSIGN(const std::string reviewed, base::ReadFile(path, 1 << 20));
  EXPECT_EQ(text, reviewed)
      << "the spec is not what " << path
      << " says; when the change is meant, run this test with VORTEX_UPDATE_GOLDEN=1, review "
         "the difference and explain it in docs/reviewer/oci-spec.md";
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTest, ::testing::ValuesIn(kGoldens), [](const auto& test) {
  std::string name = test.param.name;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
});

}  // namespace
}  // namespace vortex::oci
