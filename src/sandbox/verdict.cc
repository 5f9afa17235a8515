// SPDX-License-Identifier: Apache-2.0
#include "sandbox/verdict.h"

#include <signal.h>
#include <string.h>

#include <cerrno>

#include "base/status.h"

namespace vortex::sandbox {
namespace {

std::string SignalName(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

bool Succeeded(const RunFacts& facts) {
  return facts.init && facts.init->code == 0 && facts.result && facts.result->ok;
}

bool Positive(const std::optional<std::uint64_t>& counter) { return counter.value_or(0) > 0; }

// Everything that was seen goes into the evidence, whether it decided or not.
std::vector<Evidence> Collect(const RunFacts& facts) {
  std::vector<Evidence> out;
  const auto add = [&](std::string fact, const char* witness) {
    out.push_back({std::move(fact), witness});
  };
  switch (facts.kill_intent) {
    case KillIntent::kNone:
      break;
    case KillIntent::kDeadline:
      add("killed: deadline, " + facts.kill_detail, "runner");
      break;
    case KillIntent::kCancelled:
      add("killed: cancelled by the caller", "runner");
      break;
    case KillIntent::kOutputLimit:
      add("killed: output, " + facts.kill_detail, "runner");
      break;
    case KillIntent::kLost:
      add("killed: lost, " + facts.kill_detail, "runner");
      break;
  }
  if (facts.exit_status) add(fmt::format("exit_status={}", *facts.exit_status), "kernel");
  if (Positive(facts.counters.oom_kills)) {
    add(fmt::format("oom_kill={}", *facts.counters.oom_kills), "kernel");
  }
  if (facts.oom_kills_parent > 0) {
    add(fmt::format("oom_kill={} for a limit above", facts.oom_kills_parent), "kernel");
  }
  if (facts.killed_by_shim) add("killed: deadline, by the shim", "runner");
  if (!facts.panic.empty()) add(facts.panic, "sentry");
  if (!facts.missing_control.empty()) add(facts.missing_control, "kernel");
  if (Positive(facts.counters.pids_denied)) {
    add(fmt::format("pids.events max={}", *facts.counters.pids_denied), "kernel");
  }
  if (facts.init) {
    if (facts.init->code) add(fmt::format("plugin exited with {}", *facts.init->code), "init");
    if (facts.init->signal) {
      add(fmt::format("plugin ended by {}", SignalName(*facts.init->signal)), "init");
    }
    if (facts.init->exec_errno) {
      add(fmt::format("execve: {}", ErrnoName(*facts.init->exec_errno)), "init");
    }
  } else {
    add("no exit record of init", "runner");
  }
  if (facts.result && !facts.result->ok) {
    add(fmt::format("{}: {}", facts.result->failure.kind, facts.result->failure.type), "guest");
  }
  if (!facts.record_error.empty()) add(facts.record_error, "runner");
  if (!facts.report_error.empty()) add("no report of the shim: " + facts.report_error, "runner");
  return out;
}

void Set(Termination& t, Cause cause, std::string limit, std::string message) {
  t.cause = cause;
  t.limit = std::move(limit);
  t.message = std::move(message);
}

// A plugin that ended by itself has left init's record; without one, our kill was what ended it.
bool DecideByOurKill(const RunFacts& facts, Termination& t) {
  if (!facts.missing_control.empty()) {
    Set(t, Cause::kSandboxUnavailable, "", facts.missing_control);
    return true;
  }
  if (facts.output_limit_passed) {
    Set(t, Cause::kOutputLimit, "output", "killed: it printed more than the hard output limit");
    return true;
  }
  if (facts.init) return false;
  switch (facts.kill_intent) {
    case KillIntent::kNone:
    case KillIntent::kOutputLimit:
      break;
    case KillIntent::kDeadline:
      Set(t, Cause::kDeadline, "budget", "killed: " + facts.kill_detail + " is over");
      return true;
    case KillIntent::kCancelled:
      Set(t, Cause::kCancelled, "", "killed: the caller cancelled the run");
      return true;
    case KillIntent::kLost:
      Set(t, Cause::kSandboxLost, "", "the sandbox was lost: " + facts.kill_detail);
      return true;
  }
  if (!facts.killed_by_shim) return false;
  Set(t, Cause::kDeadline, "budget", "killed by the shim: the budget is over");
  return true;
}

// The harness's word, so a hint; its exit code must agree, or a plugin that ran could call itself
// one that did not.
bool IsEntrypointFailure(const RunFacts& facts) {
  return facts.result && !facts.result->ok &&
         facts.result->failure.kind.starts_with("entrypoint_") &&
         (facts.init->code == 126 || facts.init->code == 127);
}

std::string FailureText(const PluginFailure& failure) {
  if (failure.type.empty()) return failure.message.empty() ? failure.kind : failure.message;
  return failure.message.empty() ? failure.type : failure.type + ": " + failure.message;
}

bool DecideByLimits(const RunFacts& facts, Termination& t) {
  if (Positive(facts.counters.oom_kills)) {
    Set(t, Cause::kOom, "memory", "the kernel killed in the sandbox: its memory limit was reached");
    return true;
  }
  if (facts.oom_kills_parent > 0) {
    Set(t, Cause::kOom, "memory of the node",
        "the kernel killed in the sandbox: a memory limit above its own was reached");
    return true;
  }
  if (facts.init && facts.init->signal) return false;
  if (Positive(facts.counters.pids_denied)) {
    Set(t, Cause::kPidsLimit, "pids",
        "it failed after the kernel refused a fork at the pids limit");
    return true;
  }
  const std::optional<int> error = facts.result ? facts.result->failure.errno_value : std::nullopt;
  if (error == ENOSPC || error == EDQUOT) {
    Set(t, Cause::kDiskLimit, "tmp", FailureText(facts.result->failure));
    return true;
  }
  if (error == EFBIG) {
    Set(t, Cause::kDiskLimit, "fsize", FailureText(facts.result->failure));
    return true;
  }
  return false;
}

void DecideByPlugin(const RunFacts& facts, Termination& t) {
  if (facts.init->exec_errno) {
    Set(t, Cause::kSpawnFailed, "",
        fmt::format("the command cannot be executed: {}", ErrnoName(*facts.init->exec_errno)));
  } else if (facts.init->signal) {
    Set(t, Cause::kSignal, "", fmt::format("ended by {}", SignalName(*facts.init->signal)));
  } else if (IsEntrypointFailure(facts)) {
    Set(t, Cause::kSpawnFailed, "", FailureText(facts.result->failure));
  } else if (facts.result && !facts.result->ok) {
    Set(t, Cause::kPluginError, "", FailureText(facts.result->failure));
  } else if (facts.result) {
    Set(t, Cause::kPluginError, "",
        fmt::format("it returned a value and then exited with {}", facts.init->code.value_or(0)));
  } else {
    Set(t, Cause::kPluginError, "",
        facts.record_error.empty()
            ? fmt::format("it exited with {} and left no result", facts.init->code.value_or(0))
            : facts.record_error);
  }
}

}  // namespace

Termination Decide(const RunFacts& facts) {
  Termination t;
  t.evidence = Collect(facts);
  if (facts.init) {
    t.exit_code = facts.init->code;
    t.signal = facts.init->signal;
    // As POSIX shells: 127 not found, 126 found but not executable.
    if (const auto error = facts.init->exec_errno) {
      t.exit_code = *error == ENOENT || *error == ENOTDIR ? 127 : 126;
    }
  }
  if (DecideByOurKill(facts, t)) return t;
  if (Succeeded(facts)) {
    Set(t, Cause::kOk, "", "");
    return t;
  }
  if (DecideByLimits(facts, t)) return t;
  if (facts.init) {
    DecideByPlugin(facts, t);
    return t;
  }
  if (!facts.panic.empty()) {
    Set(t, Cause::kSandboxLost, "", "the sandbox's own kernel died: " + facts.panic);
    return t;
  }
  // Neither we nor the plugin ended pid 1. It always leaves a record when it ends by itself, so
  // something killed it: from outside, or, where pid 1 is not immune to its own namespace (gVisor),
  // the plugin; containerd's status names the signal as 128 + n.
  if (facts.exit_status && *facts.exit_status > 128) {
    t.signal = static_cast<int>(*facts.exit_status - 128);
    Set(t, Cause::kSignal, "",
        fmt::format("the sandbox's pid 1 was ended by {}, from outside or by the plugin",
                    SignalName(*t.signal)));
  } else {
    Set(t, Cause::kSandboxLost, "",
        fmt::format("the sandbox ended with status {} before the plugin did",
                    facts.exit_status ? std::to_string(*facts.exit_status) : "unknown"));
  }
  return t;
}

std::vector<Denial> DenialsFrom(const RunFacts& facts) {
  std::vector<Denial> out;
  if (Positive(facts.counters.pids_denied)) {
    out.push_back({.control = "process",
                   .action = "fork",
                   .rule = "limits.pids",
                   .witness = "kernel",
                   .count = *facts.counters.pids_denied,
                   .errno_value = EAGAIN,
                   .allowed_by = "limits.pids in the manifest"});
  }
  if (facts.result && !facts.result->ok && facts.result->failure.errno_value) {
    const PluginFailure& failure = facts.result->failure;
    const auto hint = [&](const char* control, const char* action, const char* rule) {
      out.push_back({.control = control,
                     .action = action,
                     .target = failure.filename,
                     .rule = rule,
                     .witness = "guest",
                     .count = 1,
                     .errno_value = *failure.errno_value});
    };
    switch (*failure.errno_value) {
      case EACCES:
      case EPERM:
        failure.filename.empty() ? hint("syscall", "call", "isolation.seccomp-or-capabilities")
                                 : hint("filesystem", "open", "isolation.user-namespace");
        break;
      case EROFS:
        hint("filesystem", "write", "isolation.read-only");
        break;
      case ENETUNREACH:
      case EHOSTUNREACH:
        hint("network", "connect", "isolation.network-namespace");
        break;
      default:
        break;
    }
  }
  return out;
}

}  // namespace vortex::sandbox
