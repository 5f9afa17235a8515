// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pidfd.h"
#include "containerd/events/task.pb.h"
#include "containerd/runc/v1/options.pb.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/empty.pb.h"
#include "shim/files.h"
#include "shim/log.h"
#include "shim/service.h"

namespace vortex::shim {
namespace {

Status AlreadyFinished() { return NotFound("process already finished"); }

}  // namespace

base::Task<Status> Service::Kill(const task_v2::KillRequest& request, Empty*) {
  std::shared_ptr<Container> container;
  std::shared_ptr<Process> process;
  if (Status status = Find(request.id(), request.exec_id(), &container, &process); !status.ok())
    co_return status;
  const int signal = static_cast<int>(request.signal());
  if (request.signal() > 64)
    co_return InvalidArgument("signal " + std::to_string(request.signal()));
  if (process->init()) co_return co_await KillInit(container, signal, request.all());
  if (process->state == State::kStopped || process->reaped.set()) co_return AlreadyFinished();
  if (process->pid == 0) co_return FailedPrecondition("process not created");
  co_return co_await KillExec(container, process, signal);
}

base::Task<Status> Service::KillExec(std::shared_ptr<Container> container,
                                     std::shared_ptr<Process> process, int signal) {
  if (process->inner_pid > 0) {
    RuntimeCall call;
    call.verb = "kill";
    call.log_name = process->exec_id + ".kill.log.json";
    call.args = {"--pid", std::to_string(process->inner_pid), container->id,
                 std::to_string(signal)};
    const std::string log = container->bundle + "/" + call.log_name;
    Status status = co_await container->cli->Run(std::move(call), nullptr);
    ::unlink(log.c_str());
    // Its own end may come before the answer of a program that has killed it.
    if (!status.ok() && (process->reaped.set() || MeansNotFound(status.message)))
      co_return AlreadyFinished();
    co_return status;
  }
  const int error = process->pidfd ? base::PidfdKill(process->pidfd.get(), signal)
                    : ::kill(process->pid, signal) == 0 ? 0
                                                        : errno;
  if (error == ESRCH) co_return AlreadyFinished();
  co_return error == 0 ? Ok() : FromErrno("kill " + process->exec_id, error);
}

base::Task<Status> Service::KillInit(std::shared_ptr<Container> container, int signal, bool all) {
  // May overtake anything but a Create, whose end decides what there is to kill. One that hangs is
  // ended by SIGKILL: otherwise nobody but its own caller, who may be dead, could get rid of it.
  if (container->init->state == State::kCreating) {
    if (signal == SIGKILL) {
      container->killed = container->aborted = true;
      if (container->cli) container->cli->Abort();
    }
    co_await container->created.Wait();
    if (container->killed) co_return Ok();
  }
  Process* init = container->init.get();
  if (init->state == State::kDeleted) co_return NotFound("container " + container->id);
  if (init->state == State::kStopped || init->reaped.set()) co_return AlreadyFinished();
  if (init->pid == 0) co_return FailedPrecondition("process not created");
  container->last_kill_signal = signal;
  container->last_kill_at = NowUnixNs();
  if (container->sandbox) co_return co_await KillMember(container, signal, all);
  const bool paused = init->state == State::kPaused || init->state == State::kPausing;
  const bool host_init = container->cli->driver().host_init;
  // The runtime would only send the same signal, 40 ms later and after an execution of its own. Two
  // cases are its business: a frozen container, which it thaws, and a sandbox, whose kernel
  // delivers signals itself.
  if (!paused && (host_init || signal == SIGKILL)) {
    if (all && container->cgroup.known()) {
      if (signal == SIGKILL) {
        container->cgroup.KillAll();
      } else {
        container->cgroup.SignalAll(signal);
      }
      co_return Ok();
    }
    if (!all && init->pidfd) {
      const int error = base::PidfdKill(init->pidfd.get(), signal);
      if (error == ESRCH) co_return AlreadyFinished();
      co_return error == 0 ? Ok() : FromErrno("kill " + container->id, error);
    }
  }
  RuntimeCall call;
  call.verb = "kill";
  call.log_name = "kill.log.json";
  if (all) call.args.emplace_back("--all");
  call.args.insert(call.args.end(), {container->id, std::to_string(signal)});
  Status status = co_await container->cli->Run(std::move(call), nullptr);
  if (!status.ok() && MeansNotFound(status.message)) co_return AlreadyFinished();
  co_return status;
}

base::Task<Status> Service::Pause(const task_v2::PauseRequest& request, Empty*) {
  std::shared_ptr<Container> container;
  if (Status status = Find(request.id(), &container); !status.ok()) co_return status;
  const auto turn = co_await container->init->turn.Lock();
  Process* init = container->init.get();
  if (init->state != State::kRunning)
    co_return FailedPrecondition("container " + container->id + " is not running");
  if (container->sandbox) {
    co_return Error(Code::kUnimplemented,
                    "container " + container->id + " shares the sandbox " + container->sandbox->id +
                        ", which can only be paused as a whole: unimplemented");
  }
  init->state = State::kPausing;
  RuntimeCall call;
  call.verb = "pause";
  call.args = {container->id};
  Status status = co_await container->cli->Run(std::move(call), nullptr);
  // It may have ended meanwhile, which is final.
  if (init->state != State::kPausing) co_return status.ok() ? AlreadyFinished() : status;
  init->state = status.ok() ? State::kPaused : State::kRunning;
  if (!status.ok()) co_return status;
  containerd::events::TaskPaused event;
  event.set_container_id(container->id);
  Publish("/tasks/paused", "containerd.events.TaskPaused", event);
  co_return Ok();
}

base::Task<Status> Service::Resume(const task_v2::ResumeRequest& request, Empty*) {
  std::shared_ptr<Container> container;
  if (Status status = Find(request.id(), &container); !status.ok()) co_return status;
  const auto turn = co_await container->init->turn.Lock();
  Process* init = container->init.get();
  if (init->state != State::kPaused)
    co_return FailedPrecondition("container " + container->id + " is not paused");
  RuntimeCall call;
  call.verb = "resume";
  call.args = {container->id};
  Status status = co_await container->cli->Run(std::move(call), nullptr);
  if (!status.ok()) co_return status;
  if (init->state == State::kPaused) init->state = State::kRunning;
  containerd::events::TaskResumed event;
  event.set_container_id(container->id);
  Publish("/tasks/resumed", "containerd.events.TaskResumed", event);
  co_return Ok();
}

base::Task<Status> Service::Update(const task_v2::UpdateTaskRequest& request, Empty*) {
  std::shared_ptr<Container> container;
  if (Status status = Find(request.id(), &container); !status.ok()) co_return status;
  const auto turn = co_await container->init->turn.Lock();
  const State state = container->init->state;
  if (state != State::kCreated && state != State::kRunning && state != State::kPaused) {
    co_return FailedPrecondition("container " + container->id + " has no process to update");
  }
  if (!container->cli->driver().update) {
    co_return Error(Code::kUnimplemented,
                    container->cli->binary() +
                        " cannot change the limits of a running container: unimplemented");
  }
  RuntimeCall call;
  call.verb = "update";
  call.args = {"--resources=-", container->id};
  call.input = request.resources().value();
  co_return co_await container->cli->Run(std::move(call), nullptr);
}

base::Task<Status> Service::Checkpoint(const task_v2::CheckpointTaskRequest& request, Empty*) {
  std::shared_ptr<Container> container;
  if (Status status = Find(request.id(), &container); !status.ok()) co_return status;
  const auto turn = co_await container->init->turn.Lock();
  const State state = container->init->state;
  if (state != State::kRunning && state != State::kPaused) {
    co_return FailedPrecondition("container " + container->id + " is not running");
  }
  containerd::runc::v1::CheckpointOptions options;
  if (!request.options().value().empty() && !options.ParseFromString(request.options().value())) {
    co_return InvalidArgument("checkpoint options do not decode");
  }
  const std::string image = request.path().empty() ? options.image_path() : request.path();
  if (image.empty()) co_return InvalidArgument("checkpoint without a path");
  if (!container->cli->driver().host_init)
    co_return co_await CheckpointSandbox(container, options.exit(), image);
  const std::string work =
      options.work_path().empty() ? container->bundle + "/work/criu-work" : options.work_path();
  RuntimeCall call;
  call.verb = "checkpoint";
  call.args = {"--image-path", image, "--work-path", work};
  if (!options.exit()) call.args.emplace_back("--leave-running");
  if (options.open_tcp()) call.args.emplace_back("--tcp-established");
  if (options.external_unix_sockets()) call.args.emplace_back("--ext-unix-sk");
  if (options.terminal()) call.args.emplace_back("--shell-job");
  if (options.file_locks()) call.args.emplace_back("--file-locks");
  for (const std::string& name : options.empty_namespaces())
    call.args.insert(call.args.end(), {"--empty-ns", name});
  if (!options.cgroups_mode().empty())
    call.args.insert(call.args.end(), {"--manage-cgroups-mode", options.cgroups_mode()});
  call.args.push_back(container->id);
  Status status = co_await container->cli->Run(std::move(call), nullptr);
  if (!status.ok()) {
    if (const auto log = ReadFile(work + "/dump.log", 4 << 20)) {
      (void)WriteFileAtomic(container->bundle + "/criu-dump.log", *log, 0600);
      status.message += ", see " + container->bundle + "/criu-dump.log";
    }
    co_return status;
  }
  containerd::events::TaskCheckpointed event;
  event.set_container_id(container->id);
  event.set_checkpoint(image);
  Publish("/tasks/checkpointed", "containerd.events.TaskCheckpointed", event);
  co_return Ok();
}

base::Task<Status> Service::CheckpointSandbox(std::shared_ptr<Container> container, bool exit,
                                              std::string image) {
  const auto unimplemented = [&](const std::string& why) {
    return Error(Code::kUnimplemented,
                 "checkpoint of " + container->id + ": " + why + ": unimplemented");
  };
  if (container->sandbox) co_return unimplemented("it shares a sandbox with other containers");
  if (!LivingMembers(*container).empty())
    co_return unimplemented("its sandbox has other containers in it");
  // With --leave-running runsc 2022-12 makes another sandbox and stays in the foreground with it.
  if (!exit)
    co_return unimplemented(container->cli->binary() + " ends what it saves; ask for exit");
  if (container->init->state == State::kPaused) {
    // Clients pause before they ask. The sentry stops everything by itself, and what is paused
    // would not come to its end.
    RuntimeCall resume;
    resume.verb = "resume";
    resume.args = {container->id};
    Status status = co_await container->cli->Run(std::move(resume), nullptr);
    if (!status.ok()) co_return status;
    if (container->init->state == State::kPaused) container->init->state = State::kRunning;
  }
  RuntimeCall call;
  call.verb = "checkpoint";
  call.args = {"--image-path", image, container->id};
  Status status = co_await container->cli->Run(std::move(call), nullptr);
  if (!status.ok()) co_return status;
  // The image is complete when its sandbox is gone.
  const bool ended = co_await container->init->reaped.WaitFor(std::chrono::seconds(10));
  if (!ended) {
    co_return Error(Code::kUnknown,
                    "checkpoint of " + container->id + ": its sandbox has not ended within 10 s");
  }
  containerd::events::TaskCheckpointed event;
  event.set_container_id(container->id);
  event.set_checkpoint(image);
  Publish("/tasks/checkpointed", "containerd.events.TaskCheckpointed", event);
  co_return Ok();
}

base::Task<Status> Service::ResizePty(const task_v2::ResizePtyRequest& request, Empty*) {
  std::shared_ptr<Container> container;
  std::shared_ptr<Process> process;
  if (Status status = Find(request.id(), request.exec_id(), &container, &process); !status.ok())
    co_return status;
  if (!process->init() && process->state == State::kStopped) {
    co_return FailedPrecondition("cannot resize a stopped process");
  }
  if (!process->io) co_return Ok();
  co_return process->io->Resize(request.width(), request.height());
}

base::Task<Status> Service::CloseIO(const task_v2::CloseIORequest& request, Empty*) {
  std::shared_ptr<Container> container;
  std::shared_ptr<Process> process;
  if (Status status = Find(request.id(), request.exec_id(), &container, &process); !status.ok())
    co_return status;
  if (request.stdin() && process->io) process->io->CloseStdin();
  co_return Ok();
}

}  // namespace vortex::shim
