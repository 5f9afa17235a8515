// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <unistd.h>

#include "base/pidfd.h"
#include "containerd/events/task.pb.h"
#include "google/protobuf/empty.pb.h"
#include "shim/helper.h"
#include "shim/log.h"
#include "shim/rootfs_mounts.h"
#include "shim/runc_remains.h"
#include "shim/service.h"
#include "shim/timestamps.h"

namespace vortex::shim {
namespace {

base::Task<void> DrainThenTell(std::shared_ptr<Process> process,
                               std::shared_ptr<base::Event> done) {
  if (process->io) co_await process->io->Drain();
  done->Set();
}

}  // namespace

base::Task<Status> Service::Delete(const task_v2::DeleteRequest& request,
                                   task_v2::DeleteResponse* response) {
  std::shared_ptr<Container> container;
  std::shared_ptr<Process> process;
  if (Status status = Find(request.id(), request.exec_id(), &container, &process); !status.ok())
    co_return status;
  if (process->init() && process->state == State::kCreating) {
    // The caller gave up on Create: end what it waits for.
    container->aborted = true;
    if (container->cli) container->cli->Abort();
    co_await container->created.Wait();
    co_return NotFound("container " + request.id());
  }
  const auto turn = co_await process->turn.Lock();
  if (process->state == State::kDeleted) co_return NotFound("process of container " + request.id());
  if (process->state != State::kCreated && process->state != State::kStopped) {
    co_return FailedPrecondition("cannot delete a running process");
  }
  Status status;
  if (process->init()) {
    status = co_await DeleteInit(container);
  } else {
    status = co_await DeleteExec(container, process);
  }
  response->set_pid(static_cast<std::uint32_t>(process->pid));
  response->set_exit_status(process->exit_status);
  SetTime(response->mutable_exited_at(), process->exited_at);
  co_return status;
}

base::Task<Status> Service::DeleteInit(std::shared_ptr<Container> container) {
  std::shared_ptr<Process> init = container->init;
  if (init->pid != 0 && init->state == State::kCreated) {
    // Created and never started: it ends now, like any other, with an exit event.
    if (container->sandbox) EndMember(container, 128 + SIGKILL);
    if (init->pidfd) base::PidfdKill(init->pidfd.get(), SIGKILL);
    co_await init->exited.Wait();
  }
  auto drained = std::make_shared<base::Event>(loop_);
  base::Detach(DrainThenTell(init, drained));
  if (init->pid != 0) {
    Status status = co_await ForgetByRuntime(container);
    if (!status.ok()) co_return status;
  }
  co_await drained->Wait();
  init->io.reset();
  for (auto& [id, exec] : container->execs) exec->io.reset();
  if (container->mounted) {
    const std::function<Status()> unmount = [rootfs = container->bundle + "/rootfs"] {
      return UnmountAll(rootfs);
    };
    const Status status = co_await RunHelper(reaper_, unmount);
    // The container is gone whatever the disk says; containerd unmounts once more.
    if (!status.ok()) Log(Level::kError, {"delete ", container->id, ": ", status.message});
  }
  init->state = State::kDeleted;
  container->oom.reset();
  containerd::events::TaskDelete event;
  event.set_container_id(container->id);
  event.set_pid(static_cast<std::uint32_t>(init->pid));
  event.set_exit_status(init->exit_status);
  SetTime(event.mutable_exited_at(), init->exited_at);
  Publish("/tasks/delete", "containerd.events.TaskDelete", event);
  containers_.erase(container->id);
  LeaveWhenForgotten();
  co_return Ok();
}

// The runtime's own knowledge of a dead container, and its cgroups.
base::Task<Status> Service::ForgetByRuntime(std::shared_ptr<Container> container) {
  const RuntimeCli& cli = *container->cli;
  // With a pid namespace of its own nothing outlives the first process.
  if (cli.is_plain_runc() && !container->config.poststop_hooks &&
      !container->config.shared_pid_namespace && container->init_exited &&
      RemoveRuncRemains(cli.root() + "/" + container->id)) {
    co_return Ok();
  }
  RuntimeCall call;
  call.verb = "delete";
  call.args = {container->id};
  call.limit = kDeleteLimit;
  Status status = co_await container->cli->Run(std::move(call), nullptr);
  if (status.ok() || MeansNotFound(status.message)) co_return Ok();
  // Its process is dead, so only remains are left; force takes what a first try could not.
  Log(Level::kWarning, {"delete ", container->id, ": ", status.message});
  RuntimeCall force = ForcedDelete(container->id);
  status = co_await container->cli->Run(std::move(force), nullptr);
  if (status.code == Code::kDeadlineExceeded) {
    // A runtime that hangs must not keep a dead container; the `delete` action tries once more.
    Log(Level::kError, {"delete ", container->id, ": left to be cleaned up: ", status.message});
    container->cgroup.KillAll();
    co_return Ok();
  }
  co_return MeansNotFound(status.message) ? Ok() : status;
}

base::Task<Status> Service::DeleteExec(std::shared_ptr<Container> container,
                                       std::shared_ptr<Process> process) {
  if (process->io) co_await process->io->Drain();
  process->io.reset();
  ::unlink((container->bundle + "/" + process->exec_id + ".pid").c_str());
  process->state = State::kDeleted;
  container->execs.erase(process->exec_id);
  co_return Ok();
}

}  // namespace vortex::shim
