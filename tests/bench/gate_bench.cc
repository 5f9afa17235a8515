// SPDX-License-Identifier: Apache-2.0
// ./dev bench gate: what deciding about a run and writing its spec cost, each step alone.
//   vortex-gate-bench [BATCHES]
// A batch is 200 calls; printed are the median and the slowest batch, per call, in microseconds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "oci/canonical_json.h"
#include "policy/gate.h"
#include "policy/policy.h"
#include "sandbox/job.h"

namespace vortex {
namespace {

constexpr int kCalls = 200;

template <typename Call>
void Measure(const char* what, int batches, const Call& call) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> micros;
  for (int batch = -2; batch < batches; ++batch) {  // two to warm up
    const auto start = Clock::now();
    for (int i = 0; i < kCalls; ++i) call();
    const std::chrono::duration<double, std::micro> taken = Clock::now() - start;
    if (batch >= 0) micros.push_back(taken.count() / kCalls);
  }
  std::sort(micros.begin(), micros.end());
  std::printf("%-44s %8.1f us %8.1f us\n", what, micros[micros.size() / 2], micros.back());
}

policy::Policy PolicyOf(int entries) {
  std::string text =
      "version: 1\nallow_untrusted: true\nuntrusted: {runtime_classes: [runc]}\nallow:\n";
  for (int i = 0; i < entries; ++i) {
    text += "- {plugin: plugin-" + std::to_string(i) +
            ", reason: x, expires: never, egress: [{host: api.example.com, port: 443}]}\n";
  }
  text += "deny: [{hosts: [\"*.internal.example\"], reason: x}]\n";
  const auto policy = policy::ParsePolicy(text, "policy.yaml");
  if (!policy.ok()) {
    std::fprintf(stderr, "%s\n", policy.status().ToString().c_str());
    std::exit(1);
  }
  return *policy;
}

int Main(int batches) {
  policy::Manifest manifest;
  manifest.id = "plugin-0";
  manifest.version = "1.0.0";
  manifest.entrypoint = policy::Entrypoint{"main", "run"};
  policy::Manifest asking = manifest;
  asking.network = {{"api.example.com", 443}};
  policy::NodeFacts facts;
  facts.classes = {{oci::RuntimeClass::kRunc, ""}};
  sandbox::JobFacts job;
  job.run_id = "run-0123456789abcdef";
  job.bundle_path = "/var/lib/vortex/bundles/x";
  job.cgroups_path = "/vortex/run-0123456789abcdef";
  job.ids = {1'879'048'192, 65'536};
  job.init_token = job.result_token = std::string(32, '0');
  job.report_path = "/run/vortex/runs/x/report";
  job.watch.listener_path = "/run/vortex/runs/x/seccomp";
  job.watch.network = true;

  std::printf("%-44s %11s %11s\n", "per call", "median", "slowest");
  const policy::Policy small = PolicyOf(1), middle = PolicyOf(100), large = PolicyOf(1000);
  Measure("gate, policy of 1 entry", batches, [&] { Gate(manifest, {}, small, facts); });
  Measure("gate, 100 entries, a host granted", batches, [&] { Gate(asking, {}, middle, facts); });
  Measure("gate, 1000 entries, a host granted", batches, [&] { Gate(asking, {}, large, facts); });
  policy::Manifest refused = asking;
  refused.id = "unknown";
  Measure("gate, 100 entries, refused", batches, [&] { Gate(refused, {}, middle, facts); });
  const auto grant = Gate(manifest, {}, small, facts).grant;
  if (!grant.ok()) return 1;
  absl::StatusOr<oci::Spec> spec = oci::BuildSpec(MakeJob(manifest, *grant, job));
  if (!spec.ok()) return 1;
  Measure("spec from the grant", batches,
          [&] { spec = oci::BuildSpec(MakeJob(manifest, *grant, job)); });
  std::size_t bytes = 0;
  Measure("its canonical JSON", batches, [&] { bytes = oci::ToCanonicalJson(*spec).size(); });
  const std::string json = oci::ToCanonicalJson(*spec);
  Measure("its digest", batches, [&] { bytes = base::Sha256::Digest(json).size(); });
  Measure("all of it, 100 entries", batches, [&] {
    const auto decision = Gate(asking, {}, middle, facts);
    const auto made = oci::BuildSpec(MakeJob(manifest, *decision.grant, job));
    bytes = base::Sha256::Digest(oci::ToCanonicalJson(*made)).size();
  });
  std::printf("spec of %zu bytes; %d batches of %d calls\n", json.size(), batches, kCalls);
  return 0;
}

}  // namespace
}  // namespace vortex

int main(int argc, char** argv) {
  const int batches = argc > 1 ? std::atoi(argv[1]) : 50;
  if (batches < 1) {
    std::fprintf(stderr, "usage: vortex-gate-bench [BATCHES]\n");
    return 2;
  }
  return vortex::Main(batches);
}
