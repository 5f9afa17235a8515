// SPDX-License-Identifier: Apache-2.0
#include "sandbox/operator_options.h"

#include <gmock/gmock.h>

#include "sandbox/metrics.h"

namespace vortex::sandbox {
namespace {

TEST(OperatorOptionsTest, WithoutASectionTheProgramsOwnLogStays) {
  EmbeddedOptions options;
  options.audit.directory = "/var/log/app";
  options.audit.fsync = audit::Fsync::kAlways;
  const EmbeddedOptions in_force = WithOperatorOptions(options);
  EXPECT_EQ(in_force.audit.directory, "/var/log/app");
  EXPECT_EQ(in_force.audit.fsync, audit::Fsync::kAlways);
}

TEST(OperatorOptionsTest, TheOperatorsLogStandsAsAWhole) {
  EmbeddedOptions options;
  options.audit.directory = "/tmp/elsewhere";
  options.audit.on_full = audit::OnFull::kFailOpen;
  options.policy.audit = {.directory = "/var/log/vortex",
                          .fsync = audit::Fsync::kNever,
                          .on_full = audit::OnFull::kFailClosed,
                          .segment_bytes = 65536,
                          .segment_age = std::chrono::minutes(2)};
  const audit::AuditOptions audit = WithOperatorOptions(options).audit;
  EXPECT_EQ(audit.directory, "/var/log/vortex");
  EXPECT_EQ(audit.fsync, audit::Fsync::kNever);
  EXPECT_EQ(audit.on_full, audit::OnFull::kFailClosed);
  EXPECT_EQ(audit.segment_bytes, 65536u);
  EXPECT_EQ(audit.segment_age, std::chrono::seconds(120));
}

TEST(OperatorOptionsTest, MetricsOfTheProgramStayItsOwn) {
  EmbeddedOptions options;
  options.metrics = std::make_shared<Metrics>();
  EXPECT_EQ(WithOperatorOptions(options).metrics, options.metrics);
}

TEST(OperatorOptionsTest, ARunnersOwnMetricsHaveTheOperatorsLabels) {
  EmbeddedOptions options;
  options.policy.metrics.plugin_labels = {"word-count"};
  SandboxResult result;
  result.plugin_id = "word-count";
  result.runtime_class = "runc";
  const auto metrics = WithOperatorOptions(options).metrics;
  metrics->Finished({}, result);
  EXPECT_THAT(metrics->Text(), ::testing::HasSubstr("word-count"));
}

}  // namespace
}  // namespace vortex::sandbox
