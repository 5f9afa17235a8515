// SPDX-License-Identifier: Apache-2.0
// What one run of ours came to, from the kernel's counters and our own deeds:
// proto/vortex/v1/report.proto.
#include <sys/wait.h>
#include <unistd.h>

#include "google/protobuf/empty.pb.h"
#include "shim/files.h"
#include "shim/log.h"
#include "shim/service.h"
#include "vortex/v1/report.pb.h"

namespace vortex::shim {
namespace {

namespace v1 = ::vortex::v1;

void AddEvidence(v1::Termination* out, const char* key, const std::string& value,
                 const char* source) {
  v1::Evidence* evidence = out->add_evidence();
  evidence->set_key(key);
  evidence->set_value(value);
  evidence->set_source(source);
}

std::uint64_t Micros(std::optional<std::uint64_t> nanos) { return nanos.value_or(0) / 1000; }

// Under cgroup v1. Of the two fail counters Linux 6.18 leaves both at 0 when memory and swap have
// one limit; then the peak tells. Charges go in batches of 64 pages (MEMCG_CHARGE_BATCH).
bool OwnLimitWasReached(const Container& container) {
  const Cgroup& cgroup = container.cgroup;
  if (cgroup.ReadNumber("memory", "memory.failcnt").value_or(0) > 0 ||
      cgroup.ReadNumber("memory", "memory.memsw.failcnt").value_or(0) > 0) {
    return true;
  }
  const std::uint64_t batch = 64 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t peak = cgroup.ReadNumber("memory", "memory.max_usage_in_bytes").value_or(0);
  const auto limit = static_cast<std::uint64_t>(container.config.memory_limit.value_or(0));
  return limit > 0 && peak + batch >= limit;
}

void FillUsage(const Container& container, v1::Usage* usage) {
  const Cgroup& cgroup = container.cgroup;
  const bool v2 = cgroup.v2();
  if (v2) {
    usage->set_cpu_usec(cgroup.ReadKey("", "cpu.stat", "usage_usec").value_or(0));
    usage->set_cpu_user_usec(cgroup.ReadKey("", "cpu.stat", "user_usec").value_or(0));
    usage->set_cpu_system_usec(cgroup.ReadKey("", "cpu.stat", "system_usec").value_or(0));
    usage->set_throttled_usec(cgroup.ReadKey("", "cpu.stat", "throttled_usec").value_or(0));
    usage->set_memory_peak_bytes(cgroup.ReadNumber("", "memory.peak").value_or(0));
  } else {
    usage->set_cpu_usec(Micros(cgroup.ReadNumber("cpuacct", "cpuacct.usage")));
    usage->set_cpu_user_usec(Micros(cgroup.ReadNumber("cpuacct", "cpuacct.usage_user")));
    usage->set_cpu_system_usec(Micros(cgroup.ReadNumber("cpuacct", "cpuacct.usage_sys")));
    usage->set_throttled_usec(Micros(cgroup.ReadKey("cpu", "cpu.stat", "throttled_time")));
    usage->set_memory_peak_bytes(
        cgroup.ReadNumber("memory", "memory.max_usage_in_bytes").value_or(0));
  }
  usage->set_nr_throttled(cgroup.ReadKey("cpu", "cpu.stat", "nr_throttled").value_or(0));
  usage->set_pids_peak(cgroup.ReadNumber("pids", "pids.peak").value_or(0));
  usage->set_pids_limit_hits(cgroup.ReadKey("pids", "pids.events", "max").value_or(0));
  if (container.times.start_begin != 0) {
    usage->set_wall_usec(
        static_cast<std::uint64_t>(container.times.exited - container.times.start_begin) / 1000);
  }
  const std::uint64_t kills = cgroup.OomKills().value_or(0);
  // The kernel counts a kill where the victim was, whichever limit was hit.
  const bool own = v2 ? cgroup.ReadKey("", "memory.events", "oom").value_or(0) > 0
                      : OwnLimitWasReached(container);
  if (own) {
    usage->set_oom_kills(kills);
  } else {
    usage->set_oom_kills_parent(kills);
  }
}

void FillTermination(const Container& container, const v1::Usage& usage, v1::Termination* out) {
  const Process& init = *container.init;
  const bool signaled = WIFSIGNALED(init.wait_status);
  // A sandbox leaves with the code of its first process, a death by signal as 128 + n.
  const bool sentry_signal =
      !container.cli->driver().host_init && init.exit_status > 128 && init.exit_status <= 192;
  if (signaled || sentry_signal) {
    out->set_signal(init.exit_status - 128);
  } else {
    out->set_exit_code(init.exit_status);
  }
  AddEvidence(out, signaled ? "signal" : "exit",
              std::to_string(signaled ? init.exit_status - 128 : init.exit_status), "waitid");
  const bool v2 = container.cgroup.v2();
  const std::uint64_t kills = usage.oom_kills() + usage.oom_kills_parent();
  if (kills > 0)
    AddEvidence(out, "oom_kill", std::to_string(kills),
                v2 ? "memory.events" : "memory.oom_control");
  if (usage.pids_limit_hits() > 0)
    AddEvidence(out, "max", std::to_string(usage.pids_limit_hits()), "pids.events");
  if (container.killed_at_deadline) {
    AddEvidence(out, "killed_at_deadline_unix_ns", std::to_string(*container.killed_at_deadline),
                "shim");
  }
  if (container.last_kill_signal != 0) {
    AddEvidence(out, "kill_request", std::to_string(container.last_kill_signal), "shim");
    AddEvidence(out, "kill_request_unix_ns", std::to_string(container.last_kill_at), "shim");
  }
  if (!container.panic.empty()) AddEvidence(out, "sandbox_panic", container.panic, "panic.log");
  if (!container.missing_control.empty()) {
    AddEvidence(out, "missing_control", container.missing_control, "shim");
    out->set_cause(v1::SANDBOX_UNAVAILABLE);
  } else if (!container.panic.empty()) {
    out->set_cause(v1::SANDBOX_LOST);
  } else if (container.killed_at_deadline && out->signal() == 9) {
    out->set_cause(v1::DEADLINE);
    out->set_limit("deadline");
  } else if (!signaled && init.exit_status == 0) {
    out->set_cause(v1::OK);
  } else if (kills > 0) {
    out->set_cause(v1::OOM);
    out->set_limit(usage.oom_kills() > 0 ? "memory" : "memory of a parent");
  } else if (out->signal() != 0) {
    out->set_cause(v1::SIGNAL);
  } else if (usage.pids_limit_hits() > 0) {
    out->set_cause(v1::PIDS_LIMIT);
    out->set_limit("pids");
  } else {
    out->set_cause(v1::PLUGIN_ERROR);
  }
}

void AddPhase(v1::RunReport* report, const char* name, std::int64_t begin, std::int64_t end) {
  if (begin == 0 || end == 0) return;
  v1::Phase* phase = report->add_phases();
  phase->set_name(name);
  phase->set_start_unix_ns(begin);
  phase->set_end_unix_ns(end);
}

}  // namespace

void Service::WriteReport(const Container& container) {
  const std::string path = container.config.Annotation("io.vortex.report");
  if (path.empty()) return;
  if (!path.starts_with('/')) {
    Log(Level::kWarning,
        {"io.vortex.report \"", path, "\" is not an absolute path, no report written"});
    return;
  }
  v1::RunReport report;
  report.set_version(1);
  report.set_run_id(container.config.Annotation("io.vortex.run-id"));
  report.set_runtime_class(container.config.Annotation("io.vortex.runtime-class"));
  FillUsage(container, report.mutable_usage());
  FillTermination(container, report.usage(), report.mutable_termination());
  for (const int number : {1, 2}) {
    // A stream that went straight into the client's FIFO was counted by its reader alone.
    const std::int64_t bytes = container.init->io ? container.init->io->RelayedBytes(number) : -1;
    if (bytes < 0) continue;
    v1::Stream* stream = report.add_streams();
    stream->set_name(number == 1 ? "stdout" : "stderr");
    stream->set_bytes(static_cast<std::uint64_t>(bytes));
  }
  for (const ControlReading& control : container.controls) {
    v1::Limit* limit = report.add_limits();
    limit->set_name(control.name);
    limit->set_requested(control.requested);
    limit->set_effective(control.effective);
    limit->set_readback(control.readback);
  }
  const PhaseTimes& times = container.times;
  AddPhase(&report, "shim_mounts", times.create_begin, times.mounts_done);
  AddPhase(&report, "runtime_create", times.mounts_done, times.create_done);
  AddPhase(&report, "runtime_start", times.start_begin, times.start_done);
  AddPhase(&report, "run", times.start_done, times.exited);
  const int error = WriteFileAtomic(path, report.SerializeAsString(), 0600);
  if (error != 0) Log(Level::kError, {"run report: ", FromErrno(path, error).message});
}

}  // namespace vortex::shim
