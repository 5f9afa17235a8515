// SPDX-License-Identifier: Apache-2.0
#include "client/tasks.h"

#include "client/connection.h"
#include "client/convert.h"
#include "containerd/services/tasks/v1/tasks.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::tasks::v1;
using Stub = api::Tasks::Stub;

namespace {

TaskStatus ToTaskStatus(containerd::v1::types::Status status) {
  switch (status) {
    case containerd::v1::types::CREATED:
      return TaskStatus::kCreated;
    case containerd::v1::types::RUNNING:
      return TaskStatus::kRunning;
    case containerd::v1::types::STOPPED:
      return TaskStatus::kStopped;
    case containerd::v1::types::PAUSED:
      return TaskStatus::kPaused;
    case containerd::v1::types::PAUSING:
      return TaskStatus::kPausing;
    default:
      return TaskStatus::kUnknown;
  }
}

TaskInfo ToTaskInfo(const containerd::v1::types::Process& process) {
  TaskInfo out{.container_id = process.container_id(),
               .pid = process.pid(),
               .status = ToTaskStatus(process.status()),
               .stdin_path = process.stdin(),
               .stdout_path = process.stdout(),
               .stderr_path = process.stderr(),
               .terminal = process.terminal(),
               .exit_status = process.exit_status(),
               .exited_at = FromProto(process.exited_at())};
  // containerd leaves container_id empty for a whole task and puts its name into id
  // (services/tasks, 1.6 to 2.1); with both, id is the exec's.
  if (out.container_id.empty())
    out.container_id = process.id();
  else if (process.id() != out.container_id)
    out.exec_id = process.id();
  return out;
}

Exit ToExit(const api::DeleteResponse& response) {
  return {.pid = response.pid(),
          .status = response.exit_status(),
          .exited_at = FromProto(response.exited_at())};
}

template <typename Request>
Request RequestFor(const std::string& container_id) {
  Request request;
  request.set_container_id(container_id);
  return request;
}

template <typename Request>
Request RequestFor(const std::string& container_id, const std::string& exec_id) {
  Request request;
  request.set_container_id(container_id);
  request.set_exec_id(exec_id);
  return request;
}

std::string What(const char* verb, const std::string& container_id,
                 const std::string& exec_id = "") {
  if (exec_id.empty()) return fmt::format("{} task {}", verb, container_id);
  return fmt::format("{} exec {} of task {}", verb, exec_id, container_id);
}

}  // namespace

absl::StatusOr<std::uint32_t> Tasks::Create(const CreateTaskRequest& request,
                                            const CallOptions& options) {
  auto out = RequestFor<api::CreateTaskRequest>(request.container_id);
  *out.mutable_rootfs() = ToProto(request.rootfs);
  out.set_stdin(request.stdin_path);
  out.set_stdout(request.stdout_path);
  out.set_stderr(request.stderr_path);
  out.set_terminal(request.terminal);
  if (request.options.has_value()) *out.mutable_options() = ToProto(*request.options);
  if (request.checkpoint.has_value()) *out.mutable_checkpoint() = ToProto(*request.checkpoint);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Create, out, options,
                                       What("create", request.container_id)));
  return response.pid();
}

absl::StatusOr<std::uint32_t> Tasks::Start(const std::string& container_id,
                                           const std::string& exec_id, const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Start,
                                       RequestFor<api::StartRequest>(container_id, exec_id),
                                       options, What("start", container_id, exec_id)));
  return response.pid();
}

absl::Status Tasks::Kill(const std::string& container_id, const std::string& exec_id, int signal,
                         bool all, const CallOptions& options) {
  if (signal <= 0 || signal > 64)
    return InvalidArgument("{}: signal {} is not in 1 to 64", What("kill", container_id, exec_id),
                           signal);
  auto request = RequestFor<api::KillRequest>(container_id, exec_id);
  request.set_signal(static_cast<std::uint32_t>(signal));
  request.set_all(all);
  return connection_
      .Call(Repeat::kNever, &Stub::Kill, request, options, What("kill", container_id, exec_id))
      .status();
}

absl::Status Tasks::Exec(const ExecRequest& request, const CallOptions& options) {
  auto out = RequestFor<api::ExecProcessRequest>(request.container_id, request.exec_id);
  out.set_stdin(request.stdin_path);
  out.set_stdout(request.stdout_path);
  out.set_stderr(request.stderr_path);
  out.set_terminal(request.terminal);
  out.mutable_spec()->set_type_url(kOciProcessTypeUrl);
  out.mutable_spec()->set_value(request.process_json);
  return connection_
      .Call(Repeat::kNever, &Stub::Exec, out, options,
            What("add", request.container_id, request.exec_id))
      .status();
}

absl::StatusOr<Exit> Tasks::Delete(const std::string& container_id, const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Delete,
                                       RequestFor<api::DeleteTaskRequest>(container_id), options,
                                       What("delete", container_id)));
  return ToExit(response);
}

absl::StatusOr<Exit> Tasks::DeleteExec(const std::string& container_id, const std::string& exec_id,
                                       const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::DeleteProcess,
                                       RequestFor<api::DeleteProcessRequest>(container_id, exec_id),
                                       options, What("delete", container_id, exec_id)));
  return ToExit(response);
}

absl::StatusOr<TaskInfo> Tasks::Get(const std::string& container_id, const std::string& exec_id,
                                    const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::Get,
                                       RequestFor<api::GetRequest>(container_id, exec_id), options,
                                       What("get", container_id, exec_id)));
  TaskInfo info = ToTaskInfo(response.process());
  info.container_id = container_id;
  info.exec_id = exec_id;
  return info;
}

absl::StatusOr<std::vector<TaskInfo>> Tasks::List(const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(
      const auto response,
      connection_.Call(Repeat::kSafe, &Stub::List, api::ListTasksRequest(), options, "list tasks"));
  std::vector<TaskInfo> out;
  for (const auto& process : response.tasks()) out.push_back(ToTaskInfo(process));
  return out;
}

absl::StatusOr<std::vector<std::uint32_t>> Tasks::Pids(const std::string& container_id,
                                                       const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::ListPids,
                                       RequestFor<api::ListPidsRequest>(container_id), options,
                                       What("list pids of", container_id)));
  std::vector<std::uint32_t> out;
  for (const auto& process : response.processes()) out.push_back(process.pid());
  return out;
}

absl::Status Tasks::Pause(const std::string& container_id, const CallOptions& options) {
  return connection_
      .Call(Repeat::kNever, &Stub::Pause, RequestFor<api::PauseTaskRequest>(container_id), options,
            What("pause", container_id))
      .status();
}

absl::Status Tasks::Resume(const std::string& container_id, const CallOptions& options) {
  return connection_
      .Call(Repeat::kNever, &Stub::Resume, RequestFor<api::ResumeTaskRequest>(container_id),
            options, What("resume", container_id))
      .status();
}

absl::Status Tasks::ResizePty(const std::string& container_id, const std::string& exec_id,
                              std::uint32_t width, std::uint32_t height,
                              const CallOptions& options) {
  auto request = RequestFor<api::ResizePtyRequest>(container_id, exec_id);
  request.set_width(width);
  request.set_height(height);
  return connection_
      .Call(Repeat::kNever, &Stub::ResizePty, request, options,
            What("resize the terminal of", container_id, exec_id))
      .status();
}

absl::Status Tasks::CloseStdin(const std::string& container_id, const std::string& exec_id,
                               const CallOptions& options) {
  auto request = RequestFor<api::CloseIORequest>(container_id, exec_id);
  request.set_stdin(true);
  return connection_
      .Call(Repeat::kNever, &Stub::CloseIO, request, options,
            What("close stdin of", container_id, exec_id))
      .status();
}

absl::Status Tasks::Update(const std::string& container_id, const Any& resources,
                           const CallOptions& options) {
  auto request = RequestFor<api::UpdateTaskRequest>(container_id);
  *request.mutable_resources() = ToProto(resources);
  return connection_
      .Call(Repeat::kNever, &Stub::Update, request, options, What("update", container_id))
      .status();
}

absl::StatusOr<std::vector<TaskMetric>> Tasks::Metrics(const std::vector<std::string>& filters,
                                                       const CallOptions& options) {
  api::MetricsRequest request;
  Append(filters, request.mutable_filters());
  VX_ASSIGN_OR_RETURN(const auto response, connection_.Call(Repeat::kSafe, &Stub::Metrics, request,
                                                            options, "get metrics of tasks"));
  std::vector<TaskMetric> out;
  for (const auto& metric : response.metrics())
    out.push_back({.id = metric.id(),
                   .timestamp = FromProto(metric.timestamp()),
                   .data = FromProto(metric.data())});
  return out;
}

absl::StatusOr<std::vector<Descriptor>> Tasks::Checkpoint(
    const std::string& container_id, const std::optional<Any>& checkpoint_options,
    const CallOptions& options) {
  auto request = RequestFor<api::CheckpointTaskRequest>(container_id);
  if (checkpoint_options.has_value()) *request.mutable_options() = ToProto(*checkpoint_options);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Checkpoint, request, options,
                                       What("checkpoint", container_id)));
  std::vector<Descriptor> out;
  for (const auto& descriptor : response.descriptors()) out.push_back(FromProto(descriptor));
  return out;
}

}  // namespace vortex::client
