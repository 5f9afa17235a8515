// SPDX-License-Identifier: Apache-2.0
// The Task service: one coroutine a call, one queue a process.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/child_reaper.h"
#include "base/event_loop.h"
#include "base/task.h"
#include "containerd/task/v2/shim.pb.h"
#include "shim/container.h"
#include "shim/event_publisher.h"
#include "shim/status.h"
#include "shim/ttrpc_server.h"

namespace vortex::shim {

namespace task_v2 = ::containerd::task::v2;

struct ServiceConfig {
  std::string name_space;
  std::string socket_path;       // unlinked on the way out
  RuntimeOptions start_options;  // what `start` got on stdin; a Create without options uses them
};

class Service {
 public:
  Service(base::EventLoop* loop, base::ChildReaper* reaper, EventPublisher* events,
          ServiceConfig config);

  void set_server(TtrpcServer* server) { server_ = server; }
  // Runs one call to its end, whether or not the caller waits for it.
  void Handle(Call call);
  // SIGTERM: stop serving, flush, leave.
  void ShutDown();
  // For SIGUSR1.
  void DumpState() const;

 private:
  using Empty = google::protobuf::Empty;
  template <typename Request, typename Response>
  using Method = base::Task<Status> (Service::*)(const Request&, Response*);
  using Dispatcher = std::function<void(Service*, const Call&)>;

  template <typename Request, typename Response>
  static Dispatcher Bind(Method<Request, Response> method);
  template <typename Request, typename Response>
  base::Task<void> RunCall(Method<Request, Response> method, CallId id, std::string payload);

  // Life cycle: service_create.cc, service_start.cc, service_delete.cc.
  base::Task<Status> Create(const task_v2::CreateTaskRequest& request,
                            task_v2::CreateTaskResponse* response);
  base::Task<Status> CreateSteps(std::shared_ptr<Container> container,
                                 const task_v2::CreateTaskRequest& request);
  base::Task<Status> RunRuntimeCreate(std::shared_ptr<Container> container);
  // Finds the cgroup of the first process, and tells of kills in it for lack of memory.
  void WatchCgroup(const std::shared_ptr<Container>& container);
  base::Task<void> UndoCreate(std::shared_ptr<Container> container);
  base::Task<Status> Start(const task_v2::StartRequest& request, task_v2::StartResponse* response);
  base::Task<Status> StartInit(std::shared_ptr<Container> container);
  base::Task<Status> RunRuntimeStart(std::shared_ptr<Container> container);
  base::Task<Status> Restore(std::shared_ptr<Container> container);
  base::Task<Status> StartExec(std::shared_ptr<Container> container,
                               std::shared_ptr<Process> process);
  base::Task<Status> StartExecSteps(std::shared_ptr<Container> container,
                                    std::shared_ptr<Process> process);
  base::Task<Status> Exec(const task_v2::ExecProcessRequest& request, Empty* response);
  base::Task<Status> Delete(const task_v2::DeleteRequest& request,
                            task_v2::DeleteResponse* response);
  base::Task<Status> DeleteInit(std::shared_ptr<Container> container);
  base::Task<Status> ForgetByRuntime(std::shared_ptr<Container> container);
  base::Task<Status> DeleteExec(std::shared_ptr<Container> container,
                                std::shared_ptr<Process> process);

  // Shared by the three above that make a process: service_process.cc. `relay`: streams go through
  // pipes of ours. HandOver puts the process's terminal or streams into the call.
  base::Task<Status> OpenIo(std::shared_ptr<Container> container, std::shared_ptr<Process> process,
                            bool relay);
  static void HandOver(const ProcessIo& io, RuntimeCall* call);
  // The pid that the runtime's `verb` wrote, and the start of the relays.
  base::Task<Status> Adopt(std::shared_ptr<Process> process, std::string verb,
                           std::string pid_file);

  // Members of a sandbox: sandbox_members.cc.
  Status JoinSandbox(Container* container);
  std::vector<std::shared_ptr<Container>> LivingMembers(const Container& sandbox) const;
  base::Task<Status> StartMember(std::shared_ptr<Container> member);
  // Until its exit is known.
  base::Task<void> AwaitMember(std::shared_ptr<Container> member);
  base::Task<Status> KillMember(std::shared_ptr<Container> member, int signal, bool all);
  void EndMember(const std::shared_ptr<Container>& member, unsigned status);
  // The sandbox is dead: so are they.
  base::Task<void> EndMembers(std::shared_ptr<Container> sandbox);
  base::Task<Status> StatsOfMember(std::shared_ptr<Container> member, google::protobuf::Any* out);

  // Control: service_control.cc.
  base::Task<Status> Kill(const task_v2::KillRequest& request, Empty* response);
  base::Task<Status> KillInit(std::shared_ptr<Container> container, int signal, bool all);
  base::Task<Status> KillExec(std::shared_ptr<Container> container,
                              std::shared_ptr<Process> process, int signal);
  base::Task<Status> Pause(const task_v2::PauseRequest& request, Empty* response);
  base::Task<Status> Resume(const task_v2::ResumeRequest& request, Empty* response);
  base::Task<Status> Update(const task_v2::UpdateTaskRequest& request, Empty* response);
  base::Task<Status> Checkpoint(const task_v2::CheckpointTaskRequest& request, Empty* response);
  base::Task<Status> CheckpointSandbox(std::shared_ptr<Container> container, bool exit,
                                       std::string image);
  base::Task<Status> ResizePty(const task_v2::ResizePtyRequest& request, Empty* response);
  base::Task<Status> CloseIO(const task_v2::CloseIORequest& request, Empty* response);

  // Questions: service_query.cc.
  base::Task<Status> GetState(const task_v2::StateRequest& request,
                              task_v2::StateResponse* response);
  base::Task<Status> Wait(const task_v2::WaitRequest& request, task_v2::WaitResponse* response);
  base::Task<Status> Pids(const task_v2::PidsRequest& request, task_v2::PidsResponse* response);
  base::Task<Status> Stats(const task_v2::StatsRequest& request, task_v2::StatsResponse* response);
  base::Task<Status> Connect(const task_v2::ConnectRequest& request,
                             task_v2::ConnectResponse* response);
  base::Task<Status> Shutdown(const task_v2::ShutdownRequest& request, Empty* response);

  // Ends of processes: exit_pipeline.cc.
  void WatchProcess(std::shared_ptr<Container> container, std::shared_ptr<Process> process);
  base::Task<void> ExecExited(std::shared_ptr<Container> container,
                              std::shared_ptr<Process> process);
  base::Task<void> InitExited(std::shared_ptr<Container> container);
  void PublishExit(const Container& container, const Process& process);
  void MarkStopped(Process* process);

  // Our own jobs: deadline.cc, run_report.cc.
  // The annotation's point of the wall clock becomes one of CLOCK_BOOTTIME, once.
  static void TakeDeadline(Container* container);
  void ArmDeadline(std::shared_ptr<Container> container);
  // Before the exit is told, while the cgroup still exists.
  static void WriteReport(const Container& container);

  // Unknown ids are NotFound; a container that is still being created is there, but has no process
  // yet.
  Status Find(const std::string& id, std::shared_ptr<Container>* container) const;
  Status Find(const std::string& id, const std::string& exec_id,
              std::shared_ptr<Container>* container, std::shared_ptr<Process>* process) const;
  template <typename Message>
  void Publish(std::string_view topic, std::string_view type, const Message& message) {
    events_->Publish(topic, type, message.SerializeAsString());
  }
  void TrimSoon();
  // A shim whose `start` succeeded while containerd could not go on (full disk), or whose
  // containerd died before Shutdown, is known to nobody: it leaves by itself, within 5 s of having
  // no container and no bundle when nobody is connected, within 10 s in any case.
  void LeaveWhenForgotten(int looks = 0);

  base::EventLoop* loop_;
  base::ChildReaper* reaper_;
  EventPublisher* events_;
  ServiceConfig config_;
  TtrpcServer* server_ = nullptr;
  std::map<std::string, Dispatcher, std::less<>> methods_;
  std::map<std::string, std::shared_ptr<Container>> containers_;
  bool leaving_ = false;
  base::EventLoop::Timer trim_;
  base::EventLoop::Timer forgotten_;
};

}  // namespace vortex::shim
