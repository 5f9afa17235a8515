// SPDX-License-Identifier: Apache-2.0
// Tasks::Wait and Tasks::StartWait: a call that may be in flight for as long as the process runs.
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>

#include "base/unique_fd.h"
#include "client/connection.h"
#include "client/convert.h"
#include "client/tasks.h"
#include "containerd/services/tasks/v1/tasks.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::tasks::v1;
using Stub = api::Tasks::Stub;

namespace {

// What gRPC's thread and ours share. The callback keeps it alive until it has returned.
struct WaitState {
  CallOptions options;
  std::string what;
  base::UniqueFd event;
  api::WaitRequest request;
  api::WaitResponse response;
  CallScope scope{options};

  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  absl::Status status;

  void Finish(absl::Status result) {
    const std::lock_guard lock(mutex);
    status = std::move(result);
    done = true;
    const std::uint64_t one = 1;
    // The counter starts at 0, so the write cannot block.
    [[maybe_unused]] const ssize_t written = ::write(event.get(), &one, sizeof one);
    finished.notify_all();
  }

  void AwaitFinish() {
    std::unique_lock lock(mutex);
    finished.wait(lock, [this] { return done; });
  }
};

class RunningWait : public PendingExit {
 public:
  RunningWait(std::shared_ptr<WaitState> state, bool in_flight)
      : state_(std::move(state)), in_flight_(in_flight) {}
  RunningWait(const RunningWait&) = delete;
  RunningWait& operator=(const RunningWait&) = delete;

  ~RunningWait() override {
    if (in_flight_) state_->scope.context().TryCancel();
    state_->AwaitFinish();
    // Here, not in gRPC's thread: it waits for a Cancellation that is just calling us.
    state_->scope.Disarm();
  }

  int fd() const override { return state_->event.get(); }

  absl::StatusOr<Exit> Take() override {
    state_->AwaitFinish();
    if (!state_->status.ok()) return state_->status;
    return Exit{.pid = 0,
                .status = state_->response.exit_status(),
                .exited_at = FromProto(state_->response.exited_at())};
  }

 private:
  const std::shared_ptr<WaitState> state_;
  const bool in_flight_;
};

}  // namespace

std::unique_ptr<PendingExit> Tasks::StartWait(const std::string& container_id,
                                              const std::string& exec_id,
                                              const CallOptions& options) {
  auto state = std::make_shared<WaitState>();
  state->options = options;
  state->what = exec_id.empty() ? fmt::format("wait for task {}", container_id)
                                : fmt::format("wait for exec {} of task {}", exec_id, container_id);
  state->request.set_container_id(container_id);
  state->request.set_exec_id(exec_id);
  state->event.Reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  absl::Status ready = state->event.valid() ? connection_.Prepare(state->scope.context(),
                                                                  options.timeout, options.lease)
                                            : ErrnoStatus(errno, "eventfd");
  if (!ready.ok()) {
    state->Finish(Annotate(ready, state->what));
    return std::make_unique<RunningWait>(std::move(state), /*in_flight=*/false);
  }
  connection_.Stub<Stub>().async()->Wait(
      &state->scope.context(), &state->request, &state->response, [state](grpc::Status status) {
        state->Finish(ToStatus(status, state->options, state->what));
      });
  state->scope.Arm();
  return std::make_unique<RunningWait>(std::move(state), /*in_flight=*/true);
}

absl::StatusOr<Exit> Tasks::Wait(const std::string& container_id, const std::string& exec_id,
                                 const CallOptions& options) {
  return StartWait(container_id, exec_id, options)->Take();
}

}  // namespace vortex::client
