// SPDX-License-Identifier: Apache-2.0
// Answers from memory: none of these waits behind an operation, and none runs the OCI runtime.
#include <unistd.h>

#include "containerd/runc/v1/options.pb.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/empty.pb.h"
#include "shim/service.h"
#include "shim/stats.h"
#include "shim/timestamps.h"

namespace vortex::shim {
namespace {

using containerd::v1::types::Status;

int WireState(State state) {
  switch (state) {
    case State::kCreating:
      return containerd::v1::types::UNKNOWN;
    case State::kCreated:
      return containerd::v1::types::CREATED;
    case State::kRunning:
      return containerd::v1::types::RUNNING;
    case State::kPausing:
      return containerd::v1::types::PAUSING;
    case State::kPaused:
      return containerd::v1::types::PAUSED;
    case State::kStopped:
      return containerd::v1::types::STOPPED;
    case State::kDeleted:
      break;
  }
  return containerd::v1::types::STOPPED;
}

}  // namespace

base::Task<vortex::shim::Status> Service::GetState(const task_v2::StateRequest& request,
                                                   task_v2::StateResponse* response) {
  std::shared_ptr<Container> container;
  std::shared_ptr<Process> process;
  if (auto status = Find(request.id(), request.exec_id(), &container, &process); !status.ok())
    co_return status;
  State state = process->state;
  // A running exec of a paused container is paused.
  if (!process->init() && state == State::kRunning &&
      (container->init->state == State::kPaused || container->init->state == State::kPausing)) {
    state = container->init->state;
  }
  response->set_id(process->init() ? container->id : process->exec_id);
  response->set_bundle(container->bundle);
  response->set_pid(static_cast<std::uint32_t>(process->pid));
  response->set_status(static_cast<containerd::v1::types::Status>(WireState(state)));
  response->set_stdin(process->in);
  response->set_stdout(process->out);
  response->set_stderr(process->err);
  response->set_terminal(process->terminal);
  // Until the exit is told, there is none: the reaped but unpublished status stays ours.
  const bool told = state == State::kStopped || state == State::kDeleted;
  response->set_exit_status(told ? process->exit_status : 0);
  SetTime(response->mutable_exited_at(), told ? process->exited_at : 0);
  co_return Ok();
}

base::Task<vortex::shim::Status> Service::Wait(const task_v2::WaitRequest& request,
                                               task_v2::WaitResponse* response) {
  std::shared_ptr<Container> container;
  std::shared_ptr<Process> process;
  if (auto status = Find(request.id(), request.exec_id(), &container, &process); !status.ok())
    co_return status;
  co_await process->exited.Wait();
  response->set_exit_status(process->exit_status);
  SetTime(response->mutable_exited_at(), process->exited_at);
  co_return Ok();
}

base::Task<vortex::shim::Status> Service::Pids(const task_v2::PidsRequest& request,
                                               task_v2::PidsResponse* response) {
  std::shared_ptr<Container> container;
  if (auto status = Find(request.id(), &container); !status.ok()) co_return status;
  if (container->init->state == State::kStopped) co_return Ok();
  std::map<pid_t, std::string> exec_ids;
  for (const auto& [id, exec] : container->execs) {
    if (exec->pid != 0 && !exec->reaped.set()) exec_ids[exec->pid] = id;
  }
  std::vector<pid_t> pids = container->cgroup.Pids();
  if (container->sandbox) {
    // Inside the sandbox, but for those that wait for execs. An empty answer means a leak to
    // containerd.
    pids.push_back(container->init->pid);
    for (const auto& [pid, id] : exec_ids) pids.push_back(pid);
  }
  for (const pid_t pid : pids) {
    auto* process = response->add_processes();
    process->set_pid(static_cast<std::uint32_t>(pid));
    const auto it = exec_ids.find(pid);
    if (it == exec_ids.end()) continue;
    containerd::runc::v1::ProcessDetails details;
    details.set_exec_id(it->second);
    process->mutable_info()->set_type_url("containerd.runc.v1.ProcessDetails");
    process->mutable_info()->set_value(details.SerializeAsString());
  }
  co_return Ok();
}

base::Task<vortex::shim::Status> Service::Stats(const task_v2::StatsRequest& request,
                                                task_v2::StatsResponse* response) {
  std::shared_ptr<Container> container;
  if (auto status = Find(request.id(), &container); !status.ok()) co_return status;
  if (container->sandbox) co_return co_await StatsOfMember(container, response->mutable_stats());
  if (!ReadStats(container->cgroup, response->mutable_stats())) {
    co_return NotFound("cgroup of container " + container->id);
  }
  co_return Ok();
}

base::Task<vortex::shim::Status> Service::Connect(const task_v2::ConnectRequest& request,
                                                  task_v2::ConnectResponse* response) {
  // A containerd that has restarted calls this first, and takes events again.
  events_->Kick();
  // Unknown ids are welcome: containerd asks before it knows.
  response->set_shim_pid(static_cast<std::uint32_t>(::getpid()));
  response->set_version("v2");
  const auto it = containers_.find(request.id());
  if (it != containers_.end())
    response->set_task_pid(static_cast<std::uint32_t>(it->second->init->pid));
  co_return Ok();
}

base::Task<vortex::shim::Status> Service::Shutdown(const task_v2::ShutdownRequest&, Empty*) {
  for (const auto& [id, container] : containers_) {
    // A Create that its caller gave up on must not keep the shim for ever.
    if (!container->aborted) co_return Ok();
  }
  // The socket goes before the answer does; the answer leaves with the last turns of the loop.
  ShutDown();
  co_return Ok();
}

}  // namespace vortex::shim
