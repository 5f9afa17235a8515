// SPDX-License-Identifier: Apache-2.0
// vortexctl run and spec.
#include <unistd.h>

#include <cstdio>

#include "base/files.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/node.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "policy/units.h"
#include "sandbox/metrics.h"
#include "sandbox/metrics_file.h"
#include "sandbox/operator_options.h"
#include "sandbox/result_json.h"

namespace vortex::cli {
namespace {

absl::StatusOr<std::string> ReadPayload(const std::string& source) {
  absl::StatusOr<std::string> payload = source;
  if (source == "-") {
    payload = base::ReadFd(STDIN_FILENO, sandbox::kMaxPayloadBytes, "payload from stdin");
  } else if (source.starts_with('@')) {
    payload = base::ReadFile(source.substr(1), sandbox::kMaxPayloadBytes);
  }
  return payload;
}

// Sets `limit` from the text of `flag` when it was given.
template <typename T, typename Parse>
absl::Status SetLimit(const char* flag, const std::string& text, Parse parse,
                      std::optional<T>& limit) {
  if (text.empty()) return absl::OkStatus();
  auto value = parse(text);
  if (!value.ok()) return Annotate(value.status(), flag);
  limit = *value;
  return absl::OkStatus();
}

absl::StatusOr<sandbox::RunRequest> MakeRequest(const Args& args) {
  sandbox::RunRequest request;
  request.plugin = args.plugin;
  request.traceparent = args.traceparent;
  VX_ASSIGN_OR_RETURN(request.payload, ReadPayload(args.payload));
  policy::LimitRequest& limits = request.limits;
  VX_RETURN_IF_ERROR(SetLimit("--memory", args.memory, policy::ParseBytes, limits.memory_bytes));
  VX_RETURN_IF_ERROR(SetLimit("--cpus", args.cpus, policy::ParseCpus, limits.millicpus));
  VX_RETURN_IF_ERROR(SetLimit("--pids-limit", args.pids, policy::ParseCount, limits.pids));
  VX_RETURN_IF_ERROR(SetLimit("--budget", args.budget, policy::ParseDuration, limits.budget));
  VX_RETURN_IF_ERROR(SetLimit("--tmp", args.tmp, policy::ParseBytes, limits.tmp_bytes));
  VX_RETURN_IF_ERROR(
      SetLimit("--output-limit", args.output, policy::ParseBytes, limits.output_bytes));
  if (!args.runtime_class.empty()) {
    VX_ASSIGN_OR_RETURN(request.runtime_class, oci::ParseRuntimeClass(args.runtime_class));
  }
  return request;
}

void Print(std::FILE* stream, const std::string& bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stream);
}

// The plugin's own prints go to stderr, so that stdout carries the return value alone and can be
// piped on.
void PrintPlain(const sandbox::SandboxResult& result) {
  Print(stderr, result.stdout_stream.kept);
  Print(stderr, result.stderr_stream.kept);
  if (!result.output.empty()) Print(stdout, result.output + "\n");
  if (result.stdout_stream.truncated || result.stderr_stream.truncated) {
    std::fprintf(stderr, "vortexctl: output was cut; see --json for what was kept\n");
  }
  if (result.termination.cause != sandbox::Cause::kOk) {
    std::fprintf(stderr, "vortexctl: %s: %s\n",
                 std::string(sandbox::CauseName(result.termination.cause)).c_str(),
                 Printable(result.termination.message).c_str());
  }
  if (result.denial_error)
    std::fprintf(stderr, "vortexctl: %s\n", Line(result.denial_error->message).c_str());
  if (result.audit && result.audit->records_lost > 0) {
    std::fprintf(stderr, "vortexctl: %llu audit records were lost: %s\n",
                 static_cast<unsigned long long>(result.audit->records_lost),
                 Printable(result.audit->error).c_str());
  }
  for (const std::string& leftover : result.leftovers) {
    std::fprintf(stderr, "vortexctl: left for `vortexctl gc`: %s\n", Printable(leftover).c_str());
  }
}

absl::Status WriteSpec(const Args& args, const sandbox::SandboxResult& result) {
  if (args.spec_out.empty() || result.spec_json.empty()) return absl::OkStatus();
  return base::WriteFileAtomic(args.spec_out, result.spec_json + "\n", 0600);
}

// What was counted is worth a warning, not the run's exit code.
void WriteMetrics(const Args& args, const sandbox::Metrics& metrics) {
  const std::string& file =
      args.metrics_out.empty() ? args.options.policy.metrics.textfile : args.metrics_out;
  if (file.empty()) return;
  const absl::Status written = sandbox::AddToMetricsFile(file, metrics.Text());
  if (!written.ok()) Fail(written);
}

// Of a request that gives no result; with --json stdout says so too.
int FailRun(const Args& args, const absl::Status& status) {
  if (args.json) Print(stdout, sandbox::ErrorToJson(status) + "\n");
  return Fail(status);
}

}  // namespace

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "vortexctl: %s\n", std::string(Message(status)).c_str());
  return kExitSandbox;
}

int RunPlugin(const Args& given) {
  if (given.dry_run) return PrintSpec(given);
  Args args = given;
  args.options.connect = ConnectAhead(args);
  if (const absl::Status loaded = LoadPolicy(args); !loaded.ok()) return FailRun(args, loaded);
  // A payload that never ends is ended by a signal like any program's input: nothing is there yet.
  absl::StatusOr<sandbox::RunRequest> request = MakeRequest(args);
  if (!request.ok()) return FailRun(args, request.status());
  request->cancel = &CancelOnSignals();
  args.options = sandbox::WithOperatorOptions(std::move(args.options));
  auto runner = sandbox::CreateEmbeddedRunner(args.options);
  if (!runner.ok()) return FailRun(args, runner.status());
  const auto result = (*runner)->Run(*request);
  WriteMetrics(args, *args.options.metrics);
  if (!result.ok()) return FailRun(args, result.status());
  if (args.json) {
    Print(stdout, sandbox::ResultToJson(*result) + "\n");
  } else {
    PrintPlain(*result);
  }
  if (const absl::Status written = WriteSpec(args, *result); !written.ok()) return Fail(written);
  if (args.report) Print(stderr, Report(*request, *result, args.spec_out));
  return ExitCodeFor(result->termination);
}

int PrintSpec(const Args& given) {
  Args args = given;
  if (const absl::Status loaded = LoadPolicy(args); !loaded.ok()) return Fail(loaded);
  absl::StatusOr<sandbox::RunRequest> request = MakeRequest(args);
  if (!request.ok()) return Fail(request.status());
  auto runner = sandbox::CreateEmbeddedRunner(args.options);
  if (!runner.ok()) return Fail(runner.status());
  const auto result = (*runner)->DryRun(*request);
  if (!result.ok()) return Fail(result.status());
  if (const absl::Status written = WriteSpec(args, *result); !written.ok()) return Fail(written);
  Print(stdout, result->spec_json + "\n");
  return 0;
}

}  // namespace vortex::cli
