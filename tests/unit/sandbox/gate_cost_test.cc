// SPDX-License-Identifier: Apache-2.0
// What deciding and writing the spec cost each run. The figure is printed; it means something in a
// build without sanitizers only.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "oci/canonical_json.h"
#include "policy/gate.h"
#include "policy/policy.h"
#include "sandbox/job.h"

namespace vortex::sandbox {
namespace {

using Clock = std::chrono::steady_clock;

// As large as policies get in practice: a hundred plugins with an entry each.
policy::Policy LargePolicy() {
  std::string text =
      "version: 1\nallow_untrusted: true\nuntrusted: {runtime_classes: [runc]}\nallow:\n";
  for (int i = 0; i < 100; ++i) {
    text += "- {plugin: plugin-" + std::to_string(i) +
            ", reason: x, expires: never, egress: [{host: api.example.com, port: 443}]}\n";
  }
  const auto policy = policy::ParsePolicy(text, "p.yaml");
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? *policy : policy::BuiltInPolicy();
}

double Micros(Clock::duration duration, int rounds) {
  return std::chrono::duration<double, std::micro>(duration).count() / rounds;
}

TEST(GateCostTest, GateAndSpecTakeMicroseconds) {
  constexpr int kRounds = 500;
  const policy::Policy policy = LargePolicy();
  policy::Manifest manifest;
  manifest.id = "plugin-99";
  manifest.version = "1.0.0";
  manifest.entrypoint = policy::Entrypoint{"main", "run"};
  manifest.network = {{"api.example.com", 443}};
  policy::NodeFacts facts;
  facts.classes = {{oci::RuntimeClass::kRunc, ""}};
  JobFacts job;
  job.run_id = "run-1";
  job.bundle_path = "/var/lib/vortex/bundles/x";
  job.cgroups_path = "/vortex/run-1";
  job.ids = {1'879'048'192, 65'536};
  job.init_token = job.result_token = std::string(32, '0');
  job.report_path = "/run/vortex/runs/run-1/report";

  auto decision = policy::Gate(manifest, {}, policy, facts);
  ASSERT_TRUE(decision.grant.ok()) << decision.grant.status();
  const auto start = Clock::now();
  for (int i = 0; i < kRounds; ++i) decision = policy::Gate(manifest, {}, policy, facts);
  const auto decided = Clock::now();
  std::size_t bytes = 0;
  for (int i = 0; i < kRounds; ++i) {
    const auto spec = oci::BuildSpec(MakeJob(manifest, *decision.grant, job));
    ASSERT_TRUE(spec.ok()) << spec.status();
    bytes = oci::ToCanonicalJson(*spec).size();
  }
  const auto written = Clock::now();
  const double gate = Micros(decided - start, kRounds), spec = Micros(written - decided, kRounds);
  std::printf("gate %.1f us (100 allow entries), spec %.1f us (%zu bytes), together %.1f us\n",
              gate, spec, bytes, gate + spec);
  // A hundredth of the fastest run would be 200 us; sanitizers and a busy machine cost fifty times.
  EXPECT_LT(gate + spec, 10'000);
}

}  // namespace
}  // namespace vortex::sandbox
