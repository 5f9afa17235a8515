// SPDX-License-Identifier: Apache-2.0
// What a caller learns about one run. Plain data; docs/user/results.md explains every field.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/gate.h"
#include "sandbox/cause.h"
#include "sandbox/stream_capture.h"

namespace vortex::sandbox {

// One fact that the cause rests on, and who saw it: "kernel" (cgroup counters, wait status by way
// of containerd), "runner" (our own intent and clocks), "init" (the sandbox's pid 1, which the
// plugin cannot read or imitate), "guest" (the plugin's own process: a hint, not proof).
struct Evidence {
  std::string fact;  // "oom_kill=1"
  std::string witness;
};

struct Termination {
  Cause cause = Cause::kSandboxUnavailable;
  // The plugin's own exit code, 0 to 255; absent when it did not exit by itself.
  std::optional<int> exit_code;
  // The signal that ended the plugin, when one did.
  std::optional<int> signal;
  // The limit that was hit: "memory", "budget", "pids", "output", "tmp", "fsize"; else empty.
  std::string limit;
  // One sentence for a person. For a sandbox failure: what was tried on what, and the cause of
  // that.
  std::string message;
  std::vector<Evidence> evidence;
};

// What the plugin's exception was, in its own words (guest).
struct PluginFailure {
  std::string kind;  // "exception", "exit", "result_not_json", … (docs/user/plugin-protocol.md)
  std::string type;  // "ValueError"
  std::string message;
  std::string traceback;
  std::optional<int> errno_value;
  std::string filename;
};

// One kind of refused attempt; equal attempts are counted, not listed.
struct Denial {
  std::string control;  // filesystem, network, syscall, capability, device, process
  std::string action;   // "open", "connect", "resolve", "fork"
  std::string target;   // "/etc/shadow", "192.0.2.1:80", "example.com"
  std::string rule;     // which rule of the sandbox denied it
  std::string witness;  // kernel, proxy, sentry, guest
  std::uint64_t count = 0;
  // Of the first and the last attempt, wall clock, Unix time in ns; 0: not known.
  std::int64_t first_unix_ns = 0;
  std::int64_t last_unix_ns = 0;
  // What the plugin got for it; 0: not known.
  int errno_value = 0;
  // What would allow it, for a person; empty: nothing does.
  std::string allowed_by;
};

// How far one kind of attempt was watched. Not watching never means allowing.
struct ObserverState {
  std::string name;     // "network", "filesystem", "syscall"
  std::string witness;  // who watched: kernel, sentry
  bool active = false;
  std::string why;            // why not, when not active
  std::uint64_t dropped = 0;  // attempts that were not looked at, since there were too many
  // All attempts of this kind that docs/user/denials.md names were seen.
  bool complete = false;
};

struct Observation {
  std::vector<ObserverState> observers;
};

// The denial that explains why the plugin failed: made outside of the sandbox, and of the errno and
// target that the plugin's own exception tells of.
struct DenialError {
  std::string control, action, target, rule, witness, allowed_by;
  std::string message;  // one sentence for a person
};

// One limit: what was asked for (request over manifest over default), what the grant made of it and
// what the kernel read back before the plugin started. Units are in the name: memory_bytes,
// millicpus, …
struct LimitReport {
  std::string name;
  std::optional<std::int64_t> requested;
  std::int64_t effective = 0;
  std::optional<std::int64_t> readback;
  std::optional<std::int64_t> used;
};

// A control that the shim read back from the kernel before the plugin started: limits by number,
// switches (no_new_privileges, capabilities, seccomp, mount flags, network) as 1 of 1.
struct ControlReport {
  std::string name;
  std::int64_t requested = 0;
  std::int64_t effective = 0;
  std::string readback;  // the kernel's own words, or why it cannot be seen from outside
};

// What the audit log has of the run; kept with the result, `hash` is an anchor that the log can be
// checked against (docs/user/audit-log.md).
struct AuditTrace {
  std::uint64_t seq = 0;           // of the run's last line; 0: there is none
  std::string hash;                // of that line
  std::uint64_t records_lost = 0;  // that should have been written and could not be
  std::string error;               // why
};

struct Usage {
  std::optional<std::uint64_t> cpu_usec;
  std::optional<std::uint64_t> memory_peak_bytes;
  std::optional<std::uint64_t> pids_peak;
  std::optional<std::uint64_t> throttled_usec;
  std::optional<std::uint64_t> throttled_periods;
  std::uint64_t wall_usec = 0;  // the plugin's process: from task start to its end
};

// A granted host that the plugin reached for, as the egress proxy counted.
struct EgressHost {
  std::string host;
  int port = 0;
  std::uint64_t connections = 0;  // made to it
  std::uint64_t failures = 0;     // allowed, but not resolved, not reached or not understood
  std::uint64_t bytes_out = 0;    // plugin to host
  std::uint64_t bytes_in = 0;
};

struct EgressReport {
  bool linked = false;            // hosts were granted, and the proxy was there
  std::uint64_t connections = 0;  // that the plugin made to the proxy
  std::vector<EgressHost> hosts;
  std::string problem;  // why the counts are not whole; empty: they are
};

// A name with a slash ("create/runtime_create") is a step of the shim inside the phase before the
// slash; the others add up to the total.
struct Phase {
  std::string name;
  std::chrono::microseconds duration{0};
};

struct SandboxResult {
  std::string run_id;
  std::string plugin_id;
  std::string plugin_version;
  std::string runtime_class;
  Termination termination;
  // The plugin's return value as JSON text; empty unless the cause is ok.
  std::string output;
  std::optional<PluginFailure> failure;
  StreamResult stdout_stream;
  StreamResult stderr_stream;
  std::vector<LimitReport> limits;
  std::vector<ControlReport> controls;
  Usage usage;
  std::vector<Denial> denials;
  EgressReport egress;
  Observation observation;
  std::optional<DenialError> denial_error;
  // Every decision of the gate, in order, also when it refused.
  std::vector<policy::RuleDecision> rules;
  std::string policy_digest;  // "sha256:…" of the policy file's bytes
  std::vector<Phase> timings;
  std::chrono::microseconds total{0};  // call to result
  std::string bundle_digest;
  std::string image;
  std::string image_digest;
  std::string spec_digest;
  std::string spec_json;  // canonical
  // What could not be removed and waits for `vortexctl gc`; empty: nothing is left.
  std::vector<std::string> leftovers;
  // Absent: the operator has configured no audit log.
  std::optional<AuditTrace> audit;
};

}  // namespace vortex::sandbox
