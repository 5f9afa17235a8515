// SPDX-License-Identifier: Apache-2.0
#include "base/cancellation.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace vortex::base {

Cancellation::Cancellation() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Cancellation::Cancel() {
  const std::lock_guard lock(mutex_);
  if (cancelled_) return;
  cancelled_ = true;
  const std::uint64_t one = 1;
  // The counter starts at 0, so the write cannot block or fail.
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
  const auto callbacks = std::move(callbacks_);
  callbacks_.clear();
  for (const auto& [id, callback] : callbacks) callback();
}

bool Cancellation::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

Cancellation::Guard Cancellation::OnCancel(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  if (cancelled_) {
    callback();
    return Guard();
  }
  const std::uint64_t id = next_id_++;
  callbacks_.emplace(id, std::move(callback));
  return Guard(this, id);
}

Cancellation::Guard::~Guard() {
  if (owner_ == nullptr) return;
  const std::lock_guard lock(owner_->mutex_);
  owner_->callbacks_.erase(id_);
}

bool Pause(std::chrono::milliseconds time, const Cancellation* cancel) {
  pollfd fd{cancel != nullptr ? cancel->fd() : -1, POLLIN, 0};
  return ::poll(&fd, 1, static_cast<int>(time.count())) == 0;
}

}  // namespace vortex::base
