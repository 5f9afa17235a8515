// SPDX-License-Identifier: Apache-2.0
#include "shim/service.h"

#include <sys/stat.h>
#include <unistd.h>

#include "google/protobuf/empty.pb.h"
#include "shim/idle_memory.h"
#include "shim/log.h"

namespace vortex::shim {

template <typename Request, typename Response>
base::Task<void> Service::RunCall(Method<Request, Response> method, CallId id,
                                  std::string payload) {
  Request request;
  Response response;
  Status status;
  if (request.ParseFromString(payload)) {
    std::string().swap(payload);
    status = co_await (this->*method)(request, &response);
  } else {
    status = InvalidArgument("request does not decode");
  }
  server_->Reply(id, status, status.ok() ? response.SerializeAsString() : std::string());
  TrimSoon();
}

template <typename Request, typename Response>
Service::Dispatcher Service::Bind(Method<Request, Response> method) {
  return [method](Service* service, const Call& call) {
    base::Detach(service->RunCall<Request, Response>(method, call.id, call.payload));
  };
}

Service::Service(base::EventLoop* loop, base::ChildReaper* reaper, EventPublisher* events,
                 ServiceConfig config)
    : loop_(loop), reaper_(reaper), events_(events), config_(std::move(config)) {
  methods_["State"] = Bind(&Service::GetState);
  methods_["Create"] = Bind(&Service::Create);
  methods_["Start"] = Bind(&Service::Start);
  methods_["Delete"] = Bind(&Service::Delete);
  methods_["Pids"] = Bind(&Service::Pids);
  methods_["Pause"] = Bind(&Service::Pause);
  methods_["Resume"] = Bind(&Service::Resume);
  methods_["Checkpoint"] = Bind(&Service::Checkpoint);
  methods_["Kill"] = Bind(&Service::Kill);
  methods_["Exec"] = Bind(&Service::Exec);
  methods_["ResizePty"] = Bind(&Service::ResizePty);
  methods_["CloseIO"] = Bind(&Service::CloseIO);
  methods_["Update"] = Bind(&Service::Update);
  methods_["Wait"] = Bind(&Service::Wait);
  methods_["Stats"] = Bind(&Service::Stats);
  methods_["Connect"] = Bind(&Service::Connect);
  methods_["Shutdown"] = Bind(&Service::Shutdown);
  LeaveWhenForgotten();
}

void Service::Handle(Call call) {
  // The messages of v3 are those of v2.
  const bool known_service =
      call.service == "containerd.task.v2.Task" || call.service == "containerd.task.v3.Task";
  const auto it = methods_.find(call.method);
  if (!known_service || it == methods_.end()) {
    server_->Reply(call.id,
                   Error(Code::kUnimplemented,
                         "method " + call.service + "/" + call.method + ": unimplemented"),
                   "");
    return;
  }
  it->second(this, call);
}

Status Service::Find(const std::string& id, std::shared_ptr<Container>* container) const {
  const auto it = containers_.find(id);
  if (it == containers_.end()) return NotFound("container " + id);
  *container = it->second;
  return Ok();
}

Status Service::Find(const std::string& id, const std::string& exec_id,
                     std::shared_ptr<Container>* container,
                     std::shared_ptr<Process>* process) const {
  if (Status status = Find(id, container); !status.ok()) return status;
  if (exec_id.empty()) {
    *process = (*container)->init;
    return Ok();
  }
  const auto it = (*container)->execs.find(exec_id);
  if (it == (*container)->execs.end())
    return NotFound("process " + exec_id + " in container " + id);
  *process = it->second;
  return Ok();
}

void Service::ShutDown() {
  if (leaving_) return;
  leaving_ = true;
  // Before anything else: a new member of the group must not find a shim that is on its way out.
  ::unlink(config_.socket_path.c_str());
  server_->StopListening();
  for (auto& [id, container] : containers_) {
    if (container->cli) container->cli->Abort();
  }
  events_->Flush(std::chrono::seconds(2), [this] { loop_->Stop(); });
}

void Service::DumpState() const {
  for (const auto& [id, container] : containers_) {
    Log(Level::kInfo, {"container ", id, ": pid ", std::to_string(container->init->pid), ", state ",
                       std::to_string(static_cast<int>(container->init->state)), ", execs ",
                       std::to_string(container->execs.size())});
  }
}

void Service::LeaveWhenForgotten(int looks) {
  if (leaving_ || !containers_.empty()) return;
  forgotten_ = loop_->After(std::chrono::seconds(5), [this, looks] {
    struct stat bundle {};
    const bool gone = ::stat(".", &bundle) == 0 && bundle.st_nlink == 0;
    // containerd 1.6 may even keep its connection to a shim that it has given up.
    if (gone && containers_.empty() && (looks > 0 || !server_->HasConnections())) {
      Log(Level::kInfo, {"shim ends: its bundle is gone and it has no container"});
      return ShutDown();
    }
    LeaveWhenForgotten(gone ? looks + 1 : 0);
  });
}

void Service::TrimSoon() {
  // Once things are quiet.
  trim_ = loop_->After(std::chrono::milliseconds(500), ReturnIdleMemory);
}

}  // namespace vortex::shim
