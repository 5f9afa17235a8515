// SPDX-License-Identifier: Apache-2.0
#include "sandbox/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <set>

namespace vortex::sandbox {
namespace {

using Counters = prometheus::Family<prometheus::Counter>;
using Histograms = prometheus::Family<prometheus::Histogram>;

// Seconds. A no-op takes 30 ms to 1 s by class; budgets go to minutes.
const std::vector<double> kRunBuckets = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                         2.5,  5,     10,   30,  60,   300};
const std::vector<double> kPhaseBuckets = {0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                           0.05,   0.1,   0.25,   0.5,   1,    5};
// The promise is 50 ms, and 1 s when everything else is dead.
const std::vector<double> kOverrunBuckets = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};

// A first increment is seen by rate() only when the series was there before, at 0.
constexpr const char* kClasses[] = {"runc", "crun", "gvisor", "kata"};
constexpr Cause kCauses[] = {Cause::kOk,           Cause::kPluginError,        Cause::kSignal,
                             Cause::kOom,          Cause::kDeadline,           Cause::kCpuBudget,
                             Cause::kPidsLimit,    Cause::kOutputLimit,        Cause::kDiskLimit,
                             Cause::kPolicyDenied, Cause::kSandboxUnavailable, Cause::kSpawnFailed,
                             Cause::kCancelled,    Cause::kSandboxLost};
constexpr const char* kControls[] = {"filesystem", "network", "syscall",
                                     "capability", "device",  "process"};
constexpr const char* kWitnesses[] = {"kernel", "proxy", "sentry", "guest"};

double Seconds(std::chrono::microseconds value) { return static_cast<double>(value.count()) / 1e6; }

// A value that some other part made up must not become a label of its own.
template <std::size_t N>
std::string OneOf(const char* const (&known)[N], const std::string& value) {
  return std::find(std::begin(known), std::end(known), value) == std::end(known) ? "other" : value;
}

std::string RuleFamily(const std::vector<policy::RuleDecision>& rules) {
  const auto refused = std::find_if(rules.begin(), rules.end(),
                                    [](const auto& rule) { return rule.outcome == "refused"; });
  return refused == rules.end() ? "none" : refused->rule.substr(0, refused->rule.find('.'));
}

Counters& MakeCounters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Histograms& MakeHistograms(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

}  // namespace

struct Metrics::Impl {
  explicit Impl(const MetricsOptions& options)
      : plugins(options.plugins.begin(), options.plugins.end()) {
    for (const char* runtime_class : kClasses)
      for (const Cause cause : kCauses) RunsOf(runtime_class, cause);
    for (const char* control : kControls)
      denials.Add({{"control", control}, {"witness", "kernel"}});
    for (const char* stream : {"stdout", "stderr"}) truncated.Add({{"stream", stream}});
    for (const char* scope : {"run", "node"}) oom_kills.Add({{"scope", scope}});
    for (const std::string& plugin : plugins)
      for (const Cause cause : kCauses) PluginRunsOf(plugin, cause);
    prometheus::BuildGauge()
        .Name("vortex_build_info")
        .Help("1, with the version that wrote these metrics")
        .Register(*registry)
        .Add({{"version", VORTEX_VERSION}})
        .Set(1);
  }

  prometheus::Counter& RunsOf(const std::string& runtime_class, Cause cause) {
    return runs.Add({{"runtime_class", runtime_class}, {"cause", std::string(CauseName(cause))}});
  }
  prometheus::Counter& PluginRunsOf(const std::string& plugin, Cause cause) {
    return plugin_runs.Add({{"plugin", plugin}, {"cause", std::string(CauseName(cause))}});
  }

  // Rules are named by code, not by plugins; the bound is for a name that slipped in.
  std::string BoundedFamily(const std::string& family) {
    constexpr std::size_t kMost = 32;
    const std::lock_guard lock(mutex);
    if (families.size() < kMost) families.insert(family);
    return families.contains(family) ? family : "other";
  }

  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  const std::set<std::string> plugins;
  Counters& runs =
      MakeCounters(*registry, "vortex_runs_total", "runs that ended, by class and cause");
  Counters& plugin_runs = MakeCounters(*registry, "vortex_plugin_runs_total",
                                       "runs of the plugins that the operator listed, by cause");
  Histograms& run_seconds =
      MakeHistograms(*registry, "vortex_run_duration_seconds", "from the call to the result");
  Histograms& phase_seconds =
      MakeHistograms(*registry, "vortex_phase_duration_seconds", "each phase of a run");
  Counters& denials = MakeCounters(*registry, "vortex_denials_total",
                                   "refused attempts of plugins, by control and by who saw them");
  Counters& decisions = MakeCounters(*registry, "vortex_gate_decisions_total",
                                     "answers of the gate, by the family of the deciding rule");
  Counters& oom_kills =
      MakeCounters(*registry, "vortex_oom_kills_total",
                   "runs that the kernel ended for memory, by whose limit it was");
  prometheus::Histogram& overrun =
      MakeHistograms(*registry, "vortex_deadline_overrun_seconds",
                     "how long after its deadline a killed plugin was gone")
          .Add({}, kOverrunBuckets);
  Counters& truncated = MakeCounters(*registry, "vortex_output_truncated_total",
                                     "streams that were longer than what was kept of them");
  prometheus::Counter& audit_written =
      MakeCounters(*registry, "vortex_audit_records_total", "records written to the audit log")
          .Add({});
  prometheus::Counter& audit_lost =
      MakeCounters(*registry, "vortex_audit_records_lost_total",
                   "records that could not be written to the audit log")
          .Add({});
  prometheus::Counter& leftovers = MakeCounters(*registry, "vortex_leftovers_total",
                                                "things that a run could not remove and left to gc")
                                       .Add({});
  std::mutex mutex;
  std::set<std::string> families;
};

Metrics::Metrics(const MetricsOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Metrics::~Metrics() = default;

void Metrics::Decided(std::string_view decision, const SandboxResult& result) {
  const std::string family = impl_->BoundedFamily(RuleFamily(result.rules));
  impl_->decisions.Add({{"decision", std::string(decision)}, {"rule", family}}).Increment();
}

void Metrics::Finished(const RunRequest&, const SandboxResult& result) {
  // Refused before the class was known.
  const std::string runtime_class =
      result.runtime_class.empty() ? "none" : OneOf(kClasses, result.runtime_class);
  const Cause cause = result.termination.cause;
  impl_->RunsOf(runtime_class, cause).Increment();
  if (impl_->plugins.contains(result.plugin_id))
    impl_->PluginRunsOf(result.plugin_id, cause).Increment();
  impl_->run_seconds.Add({{"runtime_class", runtime_class}}, kRunBuckets)
      .Observe(Seconds(result.total));
  for (const Phase& phase : result.timings) {
    // Steps inside a phase are for the result; a series each would be too many.
    if (phase.name.find('/') != std::string::npos) continue;
    impl_->phase_seconds
        .Add({{"runtime_class", runtime_class}, {"phase", phase.name}}, kPhaseBuckets)
        .Observe(Seconds(phase.duration));
  }
  for (const Denial& denial : result.denials) {
    impl_->denials
        .Add({{"control", OneOf(kControls, denial.control)},
              {"witness", OneOf(kWitnesses, denial.witness)}})
        .Increment(static_cast<double>(denial.count));
  }
  if (cause == Cause::kOom) {
    const bool own = result.termination.limit == "memory";
    impl_->oom_kills.Add({{"scope", own ? "run" : "node"}}).Increment();
  }
  if (const double overrun = DeadlineOverrunSeconds(result); overrun >= 0)
    impl_->overrun.Observe(overrun);
  if (result.stdout_stream.truncated) impl_->truncated.Add({{"stream", "stdout"}}).Increment();
  if (result.stderr_stream.truncated) impl_->truncated.Add({{"stream", "stderr"}}).Increment();
  impl_->leftovers.Increment(static_cast<double>(result.leftovers.size()));
}

void Metrics::AuditWritten(std::size_t records) {
  impl_->audit_written.Increment(static_cast<double>(records));
}

void Metrics::AuditLost(std::size_t records) {
  impl_->audit_lost.Increment(static_cast<double>(records));
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry->Collect());
}

std::shared_ptr<prometheus::Registry> Metrics::registry() const { return impl_->registry; }

double DeadlineOverrunSeconds(const SandboxResult& result) {
  if (result.termination.cause != Cause::kDeadline) return -1;
  const auto budget =
      std::find_if(result.limits.begin(), result.limits.end(),
                   [](const LimitReport& limit) { return limit.name == "budget_ms"; });
  std::chrono::microseconds until{0};
  for (const Phase& phase : result.timings) {
    if (phase.name.find('/') != std::string::npos) continue;
    until += phase.duration;
    if (phase.name != "run" || budget == result.limits.end()) continue;
    return std::max(0.0, Seconds(until - std::chrono::milliseconds(budget->effective)));
  }
  return -1;
}

}  // namespace vortex::sandbox
