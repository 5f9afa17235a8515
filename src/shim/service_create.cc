// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "containerd/events/task.pb.h"
#include "google/protobuf/empty.pb.h"
#include "shim/egress_network.h"
#include "shim/files.h"
#include "shim/helper.h"
#include "shim/log.h"
#include "shim/names.h"
#include "shim/panic_log.h"
#include "shim/rootfs_mounts.h"
#include "shim/service.h"

namespace vortex::shim {
namespace {

std::vector<MountRequest> MountsOf(const task_v2::CreateTaskRequest& request) {
  std::vector<MountRequest> mounts;
  for (const auto& mount : request.rootfs()) {
    mounts.push_back({mount.type(),
                      mount.source(),
                      mount.target(),
                      {mount.options().begin(), mount.options().end()}});
  }
  return mounts;
}

// Which runtime and with which flags: options first, then the class that the spec names.
std::vector<std::string> ChooseRuntime(const OciConfig& config, const std::string& bundle,
                                       RuntimeOptions* options) {
  // For our own jobs also beside a program: the runner names both.
  if (options->driver.empty() && (options->binary_name.empty() || config.OurJob())) {
    if (const RuntimeDriver* driver =
            DriverForClass(config.Annotation("io.vortex.runtime-class"))) {
      options->driver = driver->name;
    }
  }
  if (options->binary_name.empty() && !options->driver.empty())
    options->binary_name = options->driver;
  std::vector<std::string> flags;
  // A pod's network is its CNI's business; without one there is nothing to bring in.
  if (config.Annotation("io.kubernetes.cri.sandbox-id").empty()) {
    for (const std::string_view flag : DriverFor(*options, options->binary_name).default_flags)
      flags.emplace_back(flag);
  }
  // Why a sandbox's own kernel died stands nowhere else.
  if (!DriverFor(*options, options->binary_name).host_init)
    flags.push_back("--panic-log=" + bundle + "/" + kPanicLog);
  // For our own jobs with a report, and only from beside it: the runner's directory of the run.
  const std::string trace = TraceConfigOf(config);
  if (!trace.empty() && DriverFor(*options, options->binary_name).trace_sessions)
    flags.push_back("--pod-init-config=" + trace);
  return flags;
}

void PublishCreate(EventPublisher* events, const Container& container,
                   const task_v2::CreateTaskRequest& request) {
  containerd::events::TaskCreate event;
  event.set_container_id(container.id);
  event.set_bundle(container.bundle);
  *event.mutable_rootfs() = request.rootfs();
  event.mutable_io()->set_stdin(request.stdin());
  event.mutable_io()->set_stdout(request.stdout());
  event.mutable_io()->set_stderr(request.stderr());
  event.mutable_io()->set_terminal(request.terminal());
  event.set_checkpoint(request.checkpoint());
  event.set_pid(static_cast<std::uint32_t>(container.init->pid));
  events->Publish("/tasks/create", "containerd.events.TaskCreate", event.SerializeAsString());
}

}  // namespace

base::Task<Status> Service::Create(const task_v2::CreateTaskRequest& request,
                                   task_v2::CreateTaskResponse* response) {
  if (leaving_) co_return Error(Code::kUnavailable, "the shim is shutting down: unavailable");
  if (!ValidName(request.id())) co_return InvalidArgument("container id \"" + request.id() + "\"");
  if (containers_.contains(request.id())) co_return AlreadyExists("container " + request.id());
  auto container = std::make_shared<Container>(loop_, request.id());
  container->times.create_begin = NowUnixNs();
  container->init->state = State::kCreating;
  containers_[request.id()] = container;
  const auto turn = co_await container->init->turn.Lock();
  Status status;
  {
    // The first process may be reaped before its pid is known.
    const base::ChildReaper::Hold hold(reaper_);
    status = co_await CreateSteps(container, request);
    if (status.ok() && container->aborted)
      status = Error(Code::kUnknown, "create was cancelled by a " +
                                         std::string(container->killed ? "kill" : "delete"));
    if (status.ok()) {
      container->times.create_done = NowUnixNs();
      container->init->state = State::kCreated;
      PublishCreate(events_, *container, request);
      if (container->init->pid != 0 && !container->sandbox)
        WatchProcess(container, container->init);
      response->set_pid(static_cast<std::uint32_t>(container->init->pid));
      if (container->config.OurJob()) ArmDeadline(container);
    }
  }
  if (!status.ok()) {
    co_await UndoCreate(container);
    Process* init = container->init.get();
    if (container->killed) {
      // Whoever killed it may not be who waits for this Create: it is there to be waited for and
      // deleted, like any other that was killed.
      init->state = State::kStopped;
      init->exit_status = 128 + SIGKILL;
      init->exited_at = NowUnixNs();
      init->pid = 0;
      container->mounted = false;
    } else {
      containers_.erase(request.id());
      init->state = State::kDeleted;
    }
    init->exited.Set();
    LeaveWhenForgotten();
  }
  container->created.Set();
  co_return status;
}

base::Task<Status> Service::CreateSteps(std::shared_ptr<Container> container,
                                        const task_v2::CreateTaskRequest& request) {
  container->bundle = request.bundle();
  const std::string& bundle = container->bundle;
  if (!bundle.starts_with('/'))
    co_return InvalidArgument("bundle \"" + bundle + "\" is not an absolute path");
  container->options = config_.start_options;
  if (!request.options().type_url().empty()) {
    container->options = RuntimeOptions();
    Status decoded =
        DecodeOptions(request.options().type_url(), request.options().value(), &container->options);
    if (!decoded.ok()) co_return decoded;
    // containerd 2.x gives pod members runc options that only name the sandbox's address, in the
    // place of the runtime's own.
    if (container->options.SaysNothing()) container->options = config_.start_options;
  }
  auto config = ReadOciConfig(bundle);
  if (!config) co_return InvalidArgument(bundle + "/config.json cannot be read as an OCI spec");
  container->config = std::move(*config);
  if (container->config.OurJob()) {
    auto controls = ReadSpecControls(bundle);
    if (!controls) co_return InvalidArgument(bundle + "/config.json cannot be read as an OCI spec");
    container->spec_controls = std::make_unique<const SpecControls>(std::move(*controls));
    TakeDeadline(container.get());
  }
  std::vector<std::string> flags = ChooseRuntime(container->config, bundle, &container->options);
  Status linked = UseEgressLink(
      container->config, DriverFor(container->options, container->options.binary_name), &flags);
  if (!linked.ok()) co_return linked;
  container->cli =
      std::make_unique<RuntimeCli>(reaper_, bundle, config_.name_space, container->options, flags);
  if (Status joined = JoinSandbox(container.get()); !joined.ok()) co_return joined;

  // Written before anything exists, so that `delete` from a fresh process knows what to undo.
  int error = WriteFileAtomic(bundle + "/runtime", container->cli->binary(), 0600);
  if (error == 0)
    error = WriteFileAtomic(bundle + "/options.json", container->options.ToJson(), 0600);
  if (error != 0) co_return FromErrno("bundle " + bundle, error);

  std::vector<MountRequest> mounts = MountsOf(request);
  if (!mounts.empty()) {
    container->mounted = true;
    const std::function<Status()> mount_all = [mounts = std::move(mounts),
                                               rootfs = bundle + "/rootfs"] {
      return MountAll(mounts, rootfs);
    };
    Status status = co_await RunHelper(reaper_, mount_all);
    if (!status.ok()) co_return status;
  }
  container->times.mounts_done = NowUnixNs();

  Process* init = container->init.get();
  init->terminal = request.terminal();
  init->in = request.stdin();
  init->out = request.stdout();
  init->err = request.stderr();
  if (!request.checkpoint().empty()) {
    // Nothing runs until Start restores it.
    container->checkpoint = request.checkpoint();
    co_return Ok();
  }
  co_return co_await RunRuntimeCreate(container);
}

base::Task<Status> Service::RunRuntimeCreate(std::shared_ptr<Container> container) {
  Process* init = container->init.get();
  const std::string& bundle = container->bundle;
  Status status =
      co_await OpenIo(container, container->init, container->cli->driver().chowns_stdio);
  if (!status.ok()) co_return status;
  if (container->aborted) co_return Ok();

  RuntimeCall call;
  call.verb = "create";
  call.args = {"--bundle", bundle, "--pid-file", bundle + "/init.pid"};
  if (HasEgressLink(container->config) && !container->cli->driver().host_init)
    call.effective_id = container->config.host_uid_of_root;
  // A member of a sandbox gets its streams when it starts.
  if (!container->sandbox || !init->io->console_socket().empty()) HandOver(*init->io, &call);
  if (container->cli->driver().pivot_flags) {
    if (container->options.no_pivot_root) call.args.emplace_back("--no-pivot");
    if (container->options.no_new_keyring) call.args.emplace_back("--no-new-keyring");
  }
  call.args.push_back(container->id);
  const RuntimeCall first = call;
  status = co_await container->cli->Run(std::move(call), nullptr);
  if (!status.ok() && first.effective_id && !container->aborted) {
    // runsc 2022-12 wants to be an id of the job's user namespace. 2024-07 takes whoever is not
    // root for rootless, and puts its sentry into that namespace by itself.
    Log(Level::kInfo, {"create ", container->id, " once more as root: ", status.message});
    RuntimeCall undo = ForcedDelete(container->id);
    const Status ignored = co_await container->cli->Run(std::move(undo), nullptr);
    RuntimeCall second = first;
    second.effective_id.reset();
    status = co_await container->cli->Run(std::move(second), nullptr);
  }
  if (!status.ok()) co_return status;
  if (container->sandbox) {
    init->pid = container->sandbox->init->pid;
    co_return container->sandbox->init_exited
        ? FailedPrecondition("sandbox " + container->sandbox->id + " has ended")
        : Ok();
  }
  status = co_await Adopt(container->init, "create", bundle + "/init.pid");
  if (!status.ok()) co_return status;
  WatchCgroup(container);
  co_return Ok();
}

void Service::WatchCgroup(const std::shared_ptr<Container>& container) {
  container->cgroup = Cgroup::OfProcess(container->init->pid);
  // Not by a shared pointer: the container owns the watch that owns this.
  const auto on_oom = [this, sandbox = container.get()] {
    containerd::events::TaskOOM event;
    event.set_container_id(sandbox->id);
    Publish("/tasks/oom", "containerd.events.TaskOOM", event);
    // Members live by the memory of their sandbox and die with it.
    for (const auto& member : LivingMembers(*sandbox)) {
      event.set_container_id(member->id);
      Publish("/tasks/oom", "containerd.events.TaskOOM", event);
    }
  };
  container->oom = std::make_unique<OomWatch>(loop_, &container->cgroup,
                                              container->options.systemd_cgroup, on_oom);
}

base::Task<void> Service::UndoCreate(std::shared_ptr<Container> container) {
  if (container->cli) {
    RuntimeCall call = ForcedDelete(container->id);
    // The runtime may not know the container; whatever it says, its error is not the one to report.
    const Status ignored = co_await container->cli->Run(std::move(call), nullptr);
    if (!ignored.ok()) Log(Level::kDebug, {"undo create: ", ignored.message});
  }
  container->oom.reset();
  container->init->io.reset();
  if (!container->mounted) co_return;
  const std::function<Status()> unmount = [rootfs = container->bundle + "/rootfs"] {
    return UnmountAll(rootfs);
  };
  const Status status = co_await RunHelper(reaper_, unmount);
  if (!status.ok()) Log(Level::kError, {"undo create: ", status.message});
}

}  // namespace vortex::shim
