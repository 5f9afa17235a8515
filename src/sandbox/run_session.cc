// SPDX-License-Identifier: Apache-2.0
#include "sandbox/run_session.h"

#include <fcntl.h>

#include <algorithm>
#include <future>
#include <utility>

#include "base/files.h"
#include "base/pidfd.h"
#include "base/sha256.h"
#include "base/status.h"
#include "oci/canonical_json.h"
#include "policy/units.h"
#include "sandbox/admission.h"
#include "sandbox/job.h"
#include "sandbox/labels.h"
#include "sandbox/limit_report.h"
#include "sandbox/payload.h"
#include "sandbox/reclaim.h"
#include "sandbox/runtime_classes.h"
#include "sandbox/runtime_options.h"
#include "sandbox/shim_report.h"
#include "sandbox/verdict.h"

namespace vortex::sandbox {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// No call of the set-up may take longer, however large the budget is.
constexpr milliseconds kCallTimeout{30'000};

// Asked from the loop that moves the output: it must not stand still for long.
constexpr milliseconds kProbeTimeout{200};

// The shim kills when the runner, which kills at the deadline, did not.
constexpr milliseconds kShimGrace{250};

// A record may be as large as the largest result, and its frame.
constexpr std::size_t kMaxRecordBytes = kMaxPayloadBytes + 64 * 1024;

enum RecordKind : std::size_t { kResultRecord, kInitRecord };

}  // namespace

RunSession::RunSession(Environment& environment, const RunRequest& request)
    : env_(environment),
      request_(request),
      record_(environment.audit(), environment.metrics(), request),
      clock_(request.on_phase, request.called.value_or(Clock::now())) {
  if (request.called) clock_.Begin("queue", *request.called);
  result_.run_id = "run-" + base::RandomHex(8);
  init_token_ = base::RandomHex(16);
  result_token_ = base::RandomHex(16);
}

absl::StatusOr<SandboxResult> RunSession::Run() {
  absl::StatusOr<SandboxResult> result = Attempt();
  record_.Finished(result);
  return result;
}

absl::StatusOr<SandboxResult> RunSession::Attempt() {
  if (const absl::Status ready = record_.Ready(); !ready.ok()) {
    NoteRefusal(ready, result_.rules);
    record_.Decided(result_, ready).IgnoreError();
    Refuse(Cause::kSandboxUnavailable, ready);
    return Finish();
  }
  const absl::Status admitted = Admit();
  NoteRefusal(admitted, result_.rules);
  const absl::Status recorded = record_.Decided(result_, admitted);
  if (!admitted.ok()) {
    if (!absl::IsPermissionDenied(admitted) && !absl::IsFailedPrecondition(admitted))
      return admitted;
    Refuse(absl::IsPermissionDenied(admitted) ? Cause::kPolicyDenied : Cause::kSandboxUnavailable,
           admitted);
    return Finish();
  }
  if (!recorded.ok()) {
    Refuse(Cause::kSandboxUnavailable, recorded);
    return Finish();
  }
  clock_.Begin("connect");
  absl::StatusOr<client::Client*> client = env_.Client();
  if (!client.ok()) {
    Refuse(Cause::kSandboxUnavailable, client.status());
    return Finish();
  }
  env_.ReclaimStaleOnce(**client);
  absl::Status status = Prepare(**client);
  if (status.ok()) status = Execute(**client);
  if (!status.ok()) Refuse(CauseOf(status), status);
  Reclaim(**client);
  return Finish();
}

absl::StatusOr<SandboxResult> RunSession::DryRun() {
  // Fixed names, so that the same request gives the same bytes.
  result_.run_id = "dry-run";
  init_token_ = result_token_ = std::string(32, '0');
  VX_RETURN_IF_ERROR(Admit());
  clock_.Begin("spec");
  const IdPool& pool = env_.options().ids;
  VX_RETURN_IF_ERROR(BuildSpec({pool.first, pool.range_size}, 0));
  return Finish();
}

absl::Status RunSession::Admit() {
  clock_.Begin("bundle");
  VX_RETURN_IF_ERROR(CheckPayload(request_.payload));
  VX_RETURN_IF_ERROR(CheckTraceparent(request_.traceparent));
  VX_ASSIGN_OR_RETURN(bundle_, request_.plugin.starts_with("sha256:")
                                   ? env_.bundles().Get(request_.plugin)
                                   : env_.bundles().Add(request_.plugin));
  if (!request_.plugin_id.empty() && request_.plugin_id != bundle_.manifest.id) {
    return InvalidArgument("plugin {}: its id is {} now, not {}", request_.plugin,
                           bundle_.manifest.id, request_.plugin_id);
  }
  result_.plugin_id = bundle_.manifest.id;
  result_.plugin_version = bundle_.manifest.version;
  result_.bundle_digest = bundle_.digest;
  clock_.Begin("gate");
  result_.runtime_class =
      oci::Name(request_.runtime_class.value_or(env_.options().classes.default_class));
  result_.policy_digest = env_.options().policy.digest;
  Admitted admitted = Admission(env_.options(), request_, bundle_);
  result_.rules = std::move(admitted.decision.rules);
  VX_ASSIGN_OR_RETURN(grant_, std::move(admitted.decision.grant));
  devices_ = std::move(admitted.devices);
  result_.runtime_class = oci::Name(grant_.runtime_class);
  VX_ASSIGN_OR_RETURN(runtime_binary_, FindReady(env_.options().classes, grant_.runtime_class));
  return absl::OkStatus();
}

absl::Status RunSession::BuildSpec(const oci::IdRange& ids, std::int64_t shim_deadline) {
  JobFacts facts;
  facts.run_id = result_.run_id;
  facts.bundle_path = bundle_.path;
  facts.cgroups_path = env_.CgroupsPath(result_.run_id);
  facts.cgroup_v2 = env_.cgroups().v2();
  facts.ids = ids;
  facts.devices = devices_;
  facts.init_token = init_token_;
  facts.result_token = result_token_;
  facts.report_path = RunDir::ReportPath(RunDir::PathOf(env_.options().state_dir, result_.run_id));
  facts.deadline_unix_ns = shim_deadline;
  if (!grant_.network.empty()) {
    facts.network_namespace_path =
        EgressNamespacePath(RunDir::PathOf(env_.options().state_dir, result_.run_id));
  }
  watch_.Describe(grant_, env_.options().watch, result_.run_id,
                  RunDir::PathOf(env_.options().state_dir, result_.run_id), facts);
  VX_ASSIGN_OR_RETURN(const oci::Spec spec,
                      oci::BuildSpec(MakeJob(bundle_.manifest, grant_, facts)));
  resources_ = spec.resources;
  result_.spec_json = oci::ToCanonicalJson(spec);
  result_.spec_digest = base::Sha256::Digest(result_.spec_json);  // as SpecDigest has it
  return absl::OkStatus();
}

absl::Status RunSession::Prepare(client::Client& client) {
  // Found while the spec is made, which needs nothing of it; after it where no thread can be had.
  result_.image = env_.options().image;
  auto found = std::async(std::launch::async | std::launch::deferred, [this, &client] {
    return env_.rootfs().Get(client, result_.image, CallOptions());
  });

  clock_.Begin("spec");
  VX_ASSIGN_OR_RETURN(ids_, IdRange::Acquire(env_.options().state_dir, env_.options().ids));
  const auto left = clock_.start() + grant_.limits.budget - Clock::now();
  const auto deadline = std::chrono::system_clock::now().time_since_epoch() + left + kShimGrace;
  VX_RETURN_IF_ERROR(
      BuildSpec({ids_->first(), ids_->size()},
                std::chrono::duration_cast<std::chrono::nanoseconds>(deadline).count()));

  clock_.Begin("image");
  VX_ASSIGN_OR_RETURN(const RootFs rootfs, found.get());
  result_.image_digest = rootfs.image_digest;
  VX_RETURN_IF_ERROR(CheckGoOn());

  clock_.Begin("directory");
  VX_ASSIGN_OR_RETURN(dir_, RunDir::Create(env_.options().state_dir, result_.run_id));
  VX_RETURN_IF_ERROR(dir_->MakeFifos());
  if (!grant_.network.empty()) {
    clock_.Begin("egress");
    // The last of the run's ids: inside the sandbox nobody can become it, outside nobody else is.
    VX_ASSIGN_OR_RETURN(egress_, EgressLink::Start(env_.options().egress, grant_, dir_->path(),
                                                   ids_->first() + ids_->size() - 1));
    result_.egress.linked = true;
  }
  VX_RETURN_IF_ERROR(watch_.Start(ids_->first() + oci::kDefaultUid));

  clock_.Begin("container");
  VX_RETURN_IF_ERROR(CreateContainer(client));
  VX_RETURN_IF_ERROR(CheckGoOn());

  clock_.Begin("create");
  VX_RETURN_IF_ERROR(CreateTask(client, rootfs));

  clock_.Begin("verify");
  VX_RETURN_IF_ERROR(VerifyLimits());
  return CheckGoOn();
}

absl::Status RunSession::CreateContainer(client::Client& client) {
  client::Container container;
  container.id = result_.run_id;
  container.image = result_.image;
  container.labels = {{kRunIdLabel, result_.run_id},
                      {kPluginLabel, result_.plugin_id},
                      {kClassLabel, result_.runtime_class},
                      {kStateDirLabel, env_.options().state_dir}};
  container.runtime_name = Find(env_.options().classes, grant_.runtime_class).runtime_type;
  container.runtime_options =
      RuncOptions(runtime_binary_, env_.options().state_dir + "/runtime/" + result_.runtime_class,
                  ids_->first() + oci::kDefaultUid);
  container.spec = {client::kOciSpecTypeUrl, result_.spec_json};
  return client.containers().Create(container, CallOptions()).status();
}

absl::Status RunSession::CreateTask(client::Client& client, const RootFs& rootfs) {
  // All our ends before the shim's: it opens its own in the background, at a time of its choosing,
  // and a FIFO without the other side would hold it up or fail for us with ENXIO. The read end of
  // stdin is never read from; it keeps what we write until the shim is there.
  VX_ASSIGN_OR_RETURN(stdin_keeper_, base::OpenFile(dir_->stdin_path(), O_RDONLY | O_NONBLOCK));
  VX_ASSIGN_OR_RETURN(stdin_fd_, base::OpenFile(dir_->stdin_path(), O_WRONLY | O_NONBLOCK));
  VX_ASSIGN_OR_RETURN(stdout_fd_, base::OpenFile(dir_->stdout_path(), O_RDONLY | O_NONBLOCK));
  VX_ASSIGN_OR_RETURN(stderr_fd_, base::OpenFile(dir_->stderr_path(), O_RDONLY | O_NONBLOCK));
  client::CreateTaskRequest request;
  request.container_id = result_.run_id;
  request.rootfs = rootfs.mounts;
  request.stdin_path = dir_->stdin_path();
  request.stdout_path = dir_->stdout_path();
  request.stderr_path = dir_->stderr_path();
  absl::StatusOr<std::uint32_t> pid = client.tasks().Create(request, CallOptions());
  if (!pid.ok()) {
    // The view may have been taken away under us; the next run looks again.
    env_.rootfs().Forget(result_.image);
    return pid.status();
  }
  auto pidfd = base::PidfdOpen(static_cast<int>(*pid));
  if (!pidfd.ok()) {
    return ErrnoStatus(pidfd.error().value, fmt::format("pidfd of process {}", *pid));
  }
  pidfd_ = std::move(pidfd).value();
  // Checked after pidfd_open: from here on the descriptor and the cgroup are known to be of one
  // process.
  if (!RunCgroup(env_.cgroups(), env_.CgroupsPath(result_.run_id))
           .Contains(static_cast<int>(*pid))) {
    return Error(absl::StatusCode::kFailedPrecondition, "control cgroup: process {} is not in {}",
                 *pid, env_.CgroupsPath(result_.run_id));
  }
  return absl::OkStatus();
}

absl::Status RunSession::VerifyLimits() {
  readback_ = RunCgroup(env_.cgroups(), env_.CgroupsPath(result_.run_id)).ReadLimits();
  return CheckLimitsInForce(resources_, readback_);
}

absl::Status RunSession::Execute(client::Client& client) {
  stdout_capture_.emplace(static_cast<std::uint64_t>(grant_.limits.output_bytes));
  stderr_capture_.emplace(static_cast<std::uint64_t>(grant_.limits.output_bytes));
  scanner_.emplace(
      std::vector<RecordScanner::Kind>{{"result", result_token_}, {"exit", init_token_}},
      kMaxRecordBytes, [this](std::string_view bytes) {
        stdout_capture_->Append(bytes);
        if (request_.on_stdout) request_.on_stdout(bytes);
      });

  // Waiting begins before the start, so that no exit is missed; its deadline only bounds a
  // containerd that never answers.
  const auto start_wait = [&] {
    client::CallOptions wait;
    wait.timeout = std::chrono::duration_cast<milliseconds>(grant_.limits.budget) + kCallTimeout;
    return client.tasks().StartWait(result_.run_id, "", wait);
  };
  std::unique_ptr<client::PendingExit> exit = start_wait();
  clock_.Begin("start");
  VX_RETURN_IF_ERROR(client.tasks().Start(result_.run_id, "", CallOptions()).status());
  const Clock::time_point started = Clock::now();
  clock_.Begin("run", started);
  record_.Started(result_);

  PumpConfig config;
  config.stdin_fd = std::move(stdin_fd_);
  config.stdin_keeper = std::move(stdin_keeper_);
  config.stdout_fd = std::move(stdout_fd_);
  config.stderr_fd = std::move(stderr_fd_);
  config.pidfd = std::move(pidfd_);
  config.payload = request_.payload;
  config.deadline = clock_.start() + grant_.limits.budget;
  config.deadline_text = "the budget of " + policy::FormatDuration(grant_.limits.budget);
  config.output_total_limit = static_cast<std::uint64_t>(grant_.limits.output_total_bytes);
  config.cancel = request_.cancel;
  config.on_stdout = [this](std::string_view bytes) { scanner_->Feed(bytes); };
  config.on_stderr = [this](std::string_view bytes) {
    stderr_capture_->Append(bytes);
    if (request_.on_stderr) request_.on_stderr(bytes);
  };
  // A shim that is gone cannot be told; its end is seen by the pump.
  config.on_stdin_done = [&] {
    client.tasks().CloseStdin(result_.run_id, "", CallOptions()).IgnoreError();
  };
  config.probe = [&] {
    client::CallOptions quick;
    quick.timeout = kProbeTimeout;
    return client.tasks().Get(result_.run_id, "", quick).status();
  };
  config.start_wait = start_wait;
  const PumpResult pumped = IoPump(std::move(config), std::move(exit)).Run();

  clock_.Begin("settle", std::max(started, pumped.ended));
  result_.usage.wall_usec =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                     std::max(pumped.ended, started) - started)
                                     .count());
  Settle(pumped);
  return absl::OkStatus();
}

void RunSession::Settle(const PumpResult& pumped) {
  scanner_->Finish();
  RunFacts facts;
  facts.kill_intent = pumped.kill_intent;
  facts.kill_detail = pumped.kill_detail;
  facts.exit_status = pumped.exit_status;
  facts.output_limit_passed = pumped.output_limit_passed;
  TakeShimReport(facts);
  if (const std::string& text = scanner_->record(kInitRecord); !text.empty()) {
    auto record = ParseInitRecord(text);
    if (record.ok()) {
      facts.init = *record;
      const std::string wrong = CompleteControls(*record, &result_.controls);
      if (facts.missing_control.empty()) facts.missing_control = wrong;
    } else {
      facts.record_error = Message(record.status());
    }
  }
  if (const std::string& text = scanner_->record(kResultRecord); !text.empty()) {
    auto record = ParseResultRecord(text);
    if (record.ok())
      facts.result = *std::move(record);
    else
      facts.record_error = Message(record.status());
  }
  if (scanner_->oversized()) {
    facts.record_error = fmt::format("result record: larger than {} bytes", kMaxRecordBytes);
  }
  result_.termination = Decide(facts);
  result_.denials = DenialsFrom(facts);
  if (egress_) egress_->Finish(result_);
  if (facts.result && !facts.result->ok) result_.failure = facts.result->failure;
  watch_.Finish(result_);
  if (result_.termination.cause == Cause::kOk) result_.output = std::move(facts.result->value);
  result_.stdout_stream = stdout_capture_->Finish(pumped.stdout_complete);
  result_.stderr_stream = stderr_capture_->Finish(pumped.stderr_complete);
  result_.usage.cpu_usec = facts.counters.cpu_usec;
  result_.usage.memory_peak_bytes = facts.counters.memory_peak_bytes;
  result_.usage.pids_peak = facts.counters.pids_peak;
  result_.usage.throttled_usec = facts.counters.throttled_usec;
  result_.usage.throttled_periods = facts.counters.throttled_periods;
}

void RunSession::TakeShimReport(RunFacts& facts) {
  auto bytes = base::ReadFile(dir_->report_path(), kMaxReportBytes);
  auto report = bytes.ok() ? ParseShimReport(*bytes) : bytes.status();
  if (!report.ok()) {
    // Its shim died. While the cgroup is there still: it goes with the task.
    facts.counters = RunCgroup(env_.cgroups(), env_.CgroupsPath(result_.run_id)).ReadCounters();
    facts.report_error = Message(report.status());
    return;
  }
  facts.counters = report->counters;
  facts.oom_kills_parent = report->oom_kills_parent;
  facts.killed_by_shim = report->killed_at_deadline;
  facts.missing_control = std::move(report->missing_control);
  facts.panic = std::move(report->panic);
  result_.controls = std::move(report->controls);
  shim_phases_ = std::move(report->phases);
}

void RunSession::Reclaim(client::Client& client) {
  clock_.Begin("cleanup");
  egress_.reset();
  if (!dir_) return;
  result_.leftovers =
      ReclaimRun(&client, env_.cgroups(), env_.CgroupsPath(result_.run_id), result_.run_id, *dir_)
          .leftovers;
}

absl::Status RunSession::CheckGoOn() const {
  if (request_.cancel != nullptr && request_.cancel->cancelled()) {
    return Error(absl::StatusCode::kCancelled, "the caller cancelled before the plugin started");
  }
  if (Clock::now() >= clock_.start() + grant_.limits.budget) {
    return Error(absl::StatusCode::kDeadlineExceeded,
                 "the budget of {} was over before the plugin started",
                 policy::FormatDuration(grant_.limits.budget));
  }
  return absl::OkStatus();
}

client::CallOptions RunSession::CallOptions() const {
  // Creating calls are not cancelled half-way: their outcome would be unknown, and they are short.
  client::CallOptions options;
  const auto left =
      std::chrono::ceil<milliseconds>(clock_.start() + grant_.limits.budget - Clock::now());
  options.timeout = std::clamp(left, milliseconds(1), kCallTimeout);
  return options;
}

Cause RunSession::CauseOf(const absl::Status& status) const {
  if (absl::IsCancelled(status)) return Cause::kCancelled;
  // A call that ended with the budget ended for it; one that ended before did not get an answer.
  const bool budget_over = Clock::now() >= clock_.start() + grant_.limits.budget;
  if (absl::IsDeadlineExceeded(status) && budget_over) return Cause::kDeadline;
  return Cause::kSandboxUnavailable;
}

void RunSession::Refuse(Cause cause, const absl::Status& status) {
  result_.termination.cause = cause;
  result_.termination.message = Message(status);
  if (cause == Cause::kDeadline) result_.termination.limit = "budget";
}

SandboxResult RunSession::Finish() {
  result_.timings = clock_.Finish(result_.total);
  result_.timings.insert(result_.timings.end(), shim_phases_.begin(), shim_phases_.end());
  result_.limits = MakeLimitReport(grant_, readback_, result_);
  return std::move(result_);
}

}  // namespace vortex::sandbox
