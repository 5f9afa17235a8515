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

// How gRPC's thread tells ours that the call has ended. The callback shares it, so that it outlives
// the last touch of either side.
class Outcome {
 public:
  Outcome() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  // An eventfd (eventfd(2)); -1 when there was none to be had.
  int fd() const { return event_.get(); }

  void Set(absl::Status status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
    set_ = true;
    const std::uint64_t one = 1;
    // The counter starts at 0, so the write cannot block.
    [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
    changed_.notify_all();
  }

  absl::Status Await() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return set_; });
    return status_;
  }

 private:
  base::UniqueFd event_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
  absl::Status status_;
};

// Owns the context alone: it holds the channel, and the last owner of a channel must not be one of
// gRPC's own threads (it would wait for itself).
class RunningWait : public PendingExit {
 public:
  RunningWait(Connection& connection, const std::string& container_id, const std::string& exec_id,
              const CallOptions& options)
      : options_(options) {
    request_.set_container_id(container_id);
    request_.set_exec_id(exec_id);
    const std::string what =
        exec_id.empty() ? fmt::format("wait for task {}", container_id)
                        : fmt::format("wait for exec {} of task {}", exec_id, container_id);
    absl::Status ready = outcome_->fd() < 0
                             ? ErrnoStatus(errno, "eventfd")
                             : connection.Prepare(scope_.context(), options.timeout, options.lease);
    if (!ready.ok()) {
      outcome_->Set(Annotate(ready, what));
      return;
    }
    connection.Wake(options.timeout, options.cancel);
    connection.Stub<Stub>().async()->Wait(
        &scope_.context(), &request_, &response_,
        [outcome = outcome_, options, what](const grpc::Status& status) {
          outcome->Set(ToStatus(status, options, what));
        });
    scope_.Arm();
  }
  RunningWait(const RunningWait&) = delete;
  RunningWait& operator=(const RunningWait&) = delete;

  ~RunningWait() override {
    scope_.context().TryCancel();
    (void)outcome_->Await();
  }

  int fd() const override { return outcome_->fd(); }

  absl::StatusOr<Exit> Take() override {
    VX_RETURN_IF_ERROR(outcome_->Await());
    return Exit{
        .pid = 0, .status = response_.exit_status(), .exited_at = FromProto(response_.exited_at())};
  }

 private:
  const CallOptions options_;
  const std::shared_ptr<Outcome> outcome_ = std::make_shared<Outcome>();
  api::WaitRequest request_;
  api::WaitResponse response_;
  CallScope scope_{options_};
};

}  // namespace

std::unique_ptr<PendingExit> Tasks::StartWait(const std::string& container_id,
                                              const std::string& exec_id,
                                              const CallOptions& options) {
  return std::make_unique<RunningWait>(connection_, container_id, exec_id, options);
}

absl::StatusOr<Exit> Tasks::Wait(const std::string& container_id, const std::string& exec_id,
                                 const CallOptions& options) {
  return StartWait(container_id, exec_id, options)->Take();
}

}  // namespace vortex::client
