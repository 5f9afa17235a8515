// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <unistd.h>

#include "containerd/events/task.pb.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/empty.pb.h"
#include "shim/exec_fifo.h"
#include "shim/files.h"
#include "shim/log.h"
#include "shim/names.h"
#include "shim/readback.h"
#include "shim/service.h"

namespace vortex::shim {

base::Task<Status> Service::Start(const task_v2::StartRequest& request,
                                  task_v2::StartResponse* response) {
  std::shared_ptr<Container> container;
  std::shared_ptr<Process> process;
  if (Status status = Find(request.id(), request.exec_id(), &container, &process); !status.ok())
    co_return status;
  const auto turn = co_await process->turn.Lock();
  if (process->state != State::kCreated)
    co_return FailedPrecondition("process is not in the created state");
  process->starting = true;
  Status status;
  if (process->init()) {
    status = co_await StartInit(container);
  } else {
    status = co_await StartExec(container, process);
  }
  response->set_pid(static_cast<std::uint32_t>(process->pid));
  // The exit of a short process was held back until its start event was queued.
  process->starting = false;
  process->start_done.Set();
  co_return status;
}

base::Task<Status> Service::StartInit(std::shared_ptr<Container> container) {
  Process* init = container->init.get();
  container->times.start_begin = NowUnixNs();
  if (!container->checkpoint.empty()) {
    const base::ChildReaper::Hold hold(reaper_);
    Status status = co_await Restore(container);
    if (!status.ok()) co_return status;
    WatchProcess(container, container->init);
  } else {
    if (container->sandbox && container->init_exited)
      co_return FailedPrecondition("container " + container->id + " has ended with its sandbox");
    if (Status status = CheckInForce(container.get()); !status.ok()) {
      container->missing_control = status.message;
      co_return status;
    }
    Status status = co_await RunRuntimeStart(container);
    // On failure the task stays as it was, unless its process is gone: then its exit is told.
    if (!status.ok()) co_return status;
  }
  container->times.start_done = NowUnixNs();
  CheckSeccompSoon(loop_, container);
  init->state = State::kRunning;
  containerd::events::TaskStart event;
  event.set_container_id(container->id);
  event.set_pid(static_cast<std::uint32_t>(init->pid));
  Publish("/tasks/start", "containerd.events.TaskStart", event);
  co_return Ok();
}

base::Task<Status> Service::RunRuntimeStart(std::shared_ptr<Container> container) {
  if (container->sandbox) co_return co_await StartMember(container);
  const RuntimeCli* cli = container->cli.get();
  base::UniqueFd reader;  // until the runtime's start has returned
  if (cli->is_plain_runc() && !container->config.poststart_hooks) {
    const bool released = co_await ReleaseByExecFifo(
        loop_, cli->root() + "/" + container->id + "/exec.fifo", &container->init->reaped, &reader);
    if (released) co_return Ok();
  }
  RuntimeCall call;
  call.verb = "start";
  call.args = {container->id};
  co_return co_await container->cli->Run(std::move(call), nullptr);
}

base::Task<Status> Service::Restore(std::shared_ptr<Container> container) {
  Process* init = container->init.get();
  const std::string& bundle = container->bundle;
  Status status =
      co_await OpenIo(container, container->init, container->cli->driver().chowns_stdio);
  if (!status.ok()) co_return status;
  const std::string work = container->options.criu_work_path.empty()
                               ? bundle + "/work/criu-work"
                               : container->options.criu_work_path;
  RuntimeCall call;
  call.verb = "restore";
  call.args = {"--image-path", container->checkpoint, "--work-path",       work,
               "--detach",     "--pid-file",          bundle + "/init.pid"};
  HandOver(*init->io, &call);
  if (container->cli->driver().pivot_flags) {
    call.args.emplace_back("--no-subreaper");
    if (container->options.no_pivot_root) call.args.emplace_back("--no-pivot");
  }
  call.args.insert(call.args.end(), {"--bundle", bundle, container->id});
  status = co_await container->cli->Run(std::move(call), nullptr);
  if (!status.ok()) {
    init->io.reset();
    if (const auto log = ReadFile(work + "/restore.log", 4 << 20)) {
      (void)WriteFileAtomic(bundle + "/criu-restore.log", *log, 0600);
      status.message += ", see " + bundle + "/criu-restore.log";
    }
    co_return status;
  }
  status = co_await Adopt(container->init, "restore", bundle + "/init.pid");
  if (init->pid > 0) WatchCgroup(container);
  co_return status;
}

base::Task<Status> Service::Exec(const task_v2::ExecProcessRequest& request, Empty*) {
  std::shared_ptr<Container> container;
  if (Status status = Find(request.id(), &container); !status.ok()) co_return status;
  const std::string& exec_id = request.exec_id();
  // "init" would overwrite the container's own pid file.
  if (!ValidName(exec_id) || exec_id == "init")
    co_return InvalidArgument("exec id \"" + exec_id + "\"");
  if (container->execs.contains(exec_id)) co_return AlreadyExists("process " + exec_id);
  const State state = container->init->state;
  if (state != State::kCreated && state != State::kRunning) {
    co_return FailedPrecondition("container " + container->id + " is not running");
  }
  auto spec = SetTerminal(request.spec().value(), request.terminal());
  if (!spec) co_return InvalidArgument("exec spec is not a JSON object");
  auto process = std::make_shared<Process>(loop_);
  process->exec_id = exec_id;
  process->terminal = request.terminal();
  process->in = request.stdin();
  process->out = request.stdout();
  process->err = request.stderr();
  process->spec = std::move(*spec);
  container->execs[exec_id] = process;
  containerd::events::TaskExecAdded event;
  event.set_container_id(container->id);
  event.set_exec_id(exec_id);
  Publish("/tasks/exec-added", "containerd.events.TaskExecAdded", event);
  co_return Ok();
}

base::Task<Status> Service::StartExec(std::shared_ptr<Container> container,
                                      std::shared_ptr<Process> process) {
  if (container->init_exited || container->init->state == State::kStopped) {
    co_return FailedPrecondition("container " + container->id + " has exited");
  }
  Status status;
  {
    const base::ChildReaper::Hold hold(reaper_);
    status = co_await StartExecSteps(container, process);
    if (process->pid != 0) WatchProcess(container, process);
  }
  const std::string stem = container->bundle + "/" + process->exec_id;
  ::unlink((stem + ".process.json").c_str());
  ::unlink((stem + ".log.json").c_str());
  ::unlink((stem + ".inner.pid").c_str());
  if (!status.ok()) {
    process->io.reset();
    if (process->pid != 0) {
      // Started, but its terminal never came.
      ::kill(process->pid, SIGKILL);
    } else {
      // Stays in "created" and can be deleted; whoever waits is let go.
      process->exited.Set();
    }
    co_return status;
  }
  std::string().swap(process->spec);
  process->state = State::kRunning;
  containerd::events::TaskExecStarted event;
  event.set_container_id(container->id);
  event.set_exec_id(process->exec_id);
  event.set_pid(static_cast<std::uint32_t>(process->pid));
  Publish("/tasks/exec-started", "containerd.events.TaskExecStarted", event);
  co_return Ok();
}

base::Task<Status> Service::StartExecSteps(std::shared_ptr<Container> container,
                                           std::shared_ptr<Process> process) {
  const std::string stem = container->bundle + "/" + process->exec_id;
  Status status = co_await OpenIo(container, process, true);
  if (!status.ok()) co_return status;
  if (const int error = WriteFileAtomic(stem + ".process.json", process->spec, 0600); error != 0) {
    co_return FromErrno("exec spec " + stem + ".process.json", error);
  }
  RuntimeCall call;
  call.verb = "exec";
  call.log_name = process->exec_id + ".log.json";
  call.args = {"--process", stem + ".process.json"};
  HandOver(*process->io, &call);
  call.args.insert(call.args.end(), {"--detach", "--pid-file", stem + ".pid"});
  // The pid is that of a program that waits for the process; signals are for the process itself.
  const bool inside = !container->cli->driver().host_init;
  if (inside) call.args.insert(call.args.end(), {"--internal-pid-file", stem + ".inner.pid"});
  call.args.push_back(container->id);
  status = co_await container->cli->Run(std::move(call), nullptr);
  if (!status.ok()) co_return status;
  if (inside) {
    const auto inner = ReadFile(stem + ".inner.pid", 64);
    process->inner_pid = static_cast<std::int64_t>(ParseNumber(inner.value_or("")).value_or(0));
  }
  co_return co_await Adopt(process, "exec", stem + ".pid");
}

}  // namespace vortex::shim
