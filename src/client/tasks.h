// SPDX-License-Identifier: Apache-2.0
// containerd's tasks service: the running side of a container.
//   Source  containerd api/services/tasks/v1/tasks.proto
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace vortex::client {

class Connection;

// Type URLs of OCI runtime-spec objects in JSON (typeurl of specs-go.Process and
// specs-go.LinuxResources).
inline constexpr char kOciProcessTypeUrl[] =
    "types.containerd.io/opencontainers/runtime-spec/1/Process";
inline constexpr char kOciLinuxResourcesTypeUrl[] =
    "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

struct CreateTaskRequest {
  std::string container_id{};
  std::vector<Mount> rootfs{};
  // Absolute FIFO paths or stdio URIs ("file:///log", "binary:///program?key=value"); empty: no
  // such stream. With a file: URI give stdout and stderr both: containerd 1.6's shim crashes with
  // one alone.
  std::string stdin_path{};
  std::string stdout_path{};
  std::string stderr_path{};
  bool terminal = false;
  std::optional<Any> options{};            // containerd.runc.v1.Options and the like
  std::optional<Descriptor> checkpoint{};  // restore from it instead of starting anew
};

struct ExecRequest {
  std::string container_id{};
  std::string exec_id{};
  std::string process_json{};  // OCI runtime-spec "process" object
  std::string stdin_path{};
  std::string stdout_path{};
  std::string stderr_path{};
  bool terminal = false;
};

// How a process ended, in containerd's terms: runtimes fold signal n into 128 + n, so 137 alone
// does not tell a SIGKILL from exit(137).
struct Exit {
  std::uint32_t pid = 0;  // 0 when it comes from a wait: containerd does not tell it there
  std::uint32_t status = 0;
  Time exited_at{};
};

enum class TaskStatus { kUnknown, kCreated, kRunning, kStopped, kPaused, kPausing };

struct TaskInfo {
  std::string container_id{};
  std::string exec_id{};
  std::uint32_t pid = 0;
  TaskStatus status = TaskStatus::kUnknown;
  std::string stdin_path{}, stdout_path{}, stderr_path{};
  bool terminal = false;
  std::uint32_t exit_status = 0;
  Time exited_at{};
};

struct TaskMetric {
  std::string id{};
  Time timestamp{};
  Any data{};  // io.containerd.cgroups.v1.Metrics or .v2.Metrics
};

// A Wait call in flight. fd() becomes readable (POLLIN) when Take() would not block. The destructor
// cancels the call and waits for it to end (milliseconds). Not thread-safe.
class PendingExit {
 public:
  virtual ~PendingExit() = default;
  virtual int fd() const = 0;
  // Blocks until there is an answer. Call once.
  virtual absl::StatusOr<Exit> Take() = 0;
};

class Tasks {
 public:
  explicit Tasks(Connection& connection) : connection_(connection) {}

  // Returns the pid of the created, not yet started, init process in the host's pid namespace.
  absl::StatusOr<std::uint32_t> Create(const CreateTaskRequest& request,
                                       const CallOptions& options = {});
  // exec_id empty: the init process. Returns its pid.
  absl::StatusOr<std::uint32_t> Start(const std::string& container_id,
                                      const std::string& exec_id = "",
                                      const CallOptions& options = {});
  // Blocks until the process has exited; options.timeout bounds the wait.
  absl::StatusOr<Exit> Wait(const std::string& container_id, const std::string& exec_id,
                            const CallOptions& options);
  // The same without blocking. Start it before Start(), so that no exit is missed.
  std::unique_ptr<PendingExit> StartWait(const std::string& container_id,
                                         const std::string& exec_id, const CallOptions& options);
  absl::Status Kill(const std::string& container_id, const std::string& exec_id, int signal,
                    bool all, const CallOptions& options = {});
  absl::Status Exec(const ExecRequest& request, const CallOptions& options = {});
  // Removes a stopped task (and ends its shim). Of a running one: an error, Unknown from
  // containerd 1.6.
  absl::StatusOr<Exit> Delete(const std::string& container_id, const CallOptions& options = {});
  absl::StatusOr<Exit> DeleteExec(const std::string& container_id, const std::string& exec_id,
                                  const CallOptions& options = {});
  absl::StatusOr<TaskInfo> Get(const std::string& container_id, const std::string& exec_id = "",
                               const CallOptions& options = {});
  absl::StatusOr<std::vector<TaskInfo>> List(const CallOptions& options = {});
  absl::StatusOr<std::vector<std::uint32_t>> Pids(const std::string& container_id,
                                                  const CallOptions& options = {});
  absl::Status Pause(const std::string& container_id, const CallOptions& options = {});
  absl::Status Resume(const std::string& container_id, const CallOptions& options = {});
  absl::Status ResizePty(const std::string& container_id, const std::string& exec_id,
                         std::uint32_t width, std::uint32_t height,
                         const CallOptions& options = {});
  // Tells the shim that no more stdin comes. The shim holds a writer of the stdin FIFO itself, so
  // closing ours alone gives the process no end of file.
  absl::Status CloseStdin(const std::string& container_id, const std::string& exec_id = "",
                          const CallOptions& options = {});
  // resources: kOciLinuxResourcesTypeUrl, JSON bytes.
  absl::Status Update(const std::string& container_id, const Any& resources,
                      const CallOptions& options = {});
  // Filters in containerd's syntax ("id==web-1"); empty: all of the namespace.
  absl::StatusOr<std::vector<TaskMetric>> Metrics(const std::vector<std::string>& filters,
                                                  const CallOptions& options = {});
  // Returns descriptors of the checkpoint content.
  absl::StatusOr<std::vector<Descriptor>> Checkpoint(const std::string& container_id,
                                                     const std::optional<Any>& checkpoint_options,
                                                     const CallOptions& options = {});

 private:
  Connection& connection_;
};

}  // namespace vortex::client
