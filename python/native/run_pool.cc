// SPDX-License-Identifier: Apache-2.0
#include "run_pool.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "base/status.h"

namespace vortex::python {
namespace {

// Signals belong to the interpreter's threads: one taken here would not wake its main thread. gRPC
// starts its own threads from ours, and they inherit this.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

Mailbox::Mailbox() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void Mailbox::Put(Letter letter) {
  const std::lock_guard lock(mutex_);
  letters_.push_back(std::move(letter));
  if (letters_.size() > 1) return;
  const std::uint64_t one = 1;
  // Fails only when the counter is full (eventfd(2)): readable then, too.
  [[maybe_unused]] const ssize_t n = ::write(event_.get(), &one, sizeof one);
}

std::vector<Letter> Mailbox::TakeAll() {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(event_.get(), &count, sizeof count);
  return std::exchange(letters_, {});
}

Call::Call(std::uint64_t number, sandbox::RunRequest request, std::shared_ptr<Mailbox> mailbox,
           std::size_t stream_room)
    : number_(number),
      request_(std::move(request)),
      mailbox_(std::move(mailbox)),
      room_(stream_room) {
  request_.cancel = &cancel_;
  if (stream_room == 0) return;
  request_.on_stdout = [this](std::string_view bytes) {
    Stream(Letter::Kind::kStdout, bytes, stdout_gap_);
  };
  request_.on_stderr = [this](std::string_view bytes) {
    Stream(Letter::Kind::kStderr, bytes, stderr_gap_);
  };
}

// The thread that calls keeps the deadline, too: it drops rather than waits.
void Call::Stream(Letter::Kind kind, std::string_view bytes, Gap& gap) {
  {
    const std::lock_guard lock(mutex_);
    if (bytes.size() > room_) {
      gap.lost += bytes.size();
      return;
    }
    room_ -= bytes.size();
  }
  mailbox_->Put({number_, kind, std::string(bytes), std::exchange(gap.lost, 0), nullptr});
}

void Call::Took(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  room_ += bytes;
}

void Call::Deliver(Outcome outcome) {
  // What was dropped at the end of a stream has no later bytes that could tell of it.
  if (stdout_gap_.lost > 0) {
    mailbox_->Put({number_, Letter::Kind::kStdout, "", stdout_gap_.lost, nullptr});
  }
  if (stderr_gap_.lost > 0) {
    mailbox_->Put({number_, Letter::Kind::kStderr, "", stderr_gap_.lost, nullptr});
  }
  mailbox_->Put(
      {number_, Letter::Kind::kDone, "", 0, std::make_shared<Outcome>(std::move(outcome))});
}

struct RunPool::State {
  std::shared_ptr<sandbox::SandboxRunner> runner;
  std::size_t most_threads = 1;
  std::mutex mutex;
  std::condition_variable work, ended;
  std::deque<std::shared_ptr<Call>> queue;
  std::set<std::shared_ptr<Call>> running;
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool closed = false;
};

RunPool::RunPool(std::shared_ptr<sandbox::SandboxRunner> runner, std::size_t threads)
    : state_(std::make_shared<State>()) {
  state_->runner = std::move(runner);
  state_->most_threads = std::max<std::size_t>(threads, 1);
}

RunPool::~RunPool() { Close(); }

bool RunPool::Submit(std::shared_ptr<Call> call) {
  const std::lock_guard lock(state_->mutex);
  if (state_->closed) return false;
  state_->queue.push_back(std::move(call));
  if (state_->idle >= state_->queue.size() || state_->threads >= state_->most_threads) {
    state_->work.notify_one();
    return true;
  }
  const SignalsBlocked blocked;
  try {
    std::thread([state = state_] { Work(state); }).detach();
    ++state_->threads;
  } catch (const std::system_error&) {
    // No more threads from the kernel: those that there are will come to it.
    if (state_->threads == 0) {
      state_->queue.pop_back();
      throw;
    }
    state_->work.notify_one();
  }
  return true;
}

void RunPool::Work(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    ++state->idle;
    state->work.wait(lock, [&] { return state->closed || !state->queue.empty(); });
    --state->idle;
    if (state->queue.empty()) break;
    const std::shared_ptr<Call> call = std::move(state->queue.front());
    state->queue.pop_front();
    state->running.insert(call);
    lock.unlock();
    // Also a call that was cancelled while it waited: the runner refuses it and says so.
    Outcome outcome;
    try {
      outcome = MakeOutcome(state->runner->Run(call->request()));
    } catch (const std::exception& error) {
      outcome.status = absl::InternalError(error.what());
    }
    lock.lock();
    state->running.erase(call);
    lock.unlock();
    call->Deliver(std::move(outcome));
    lock.lock();
  }
  if (--state->threads == 0) state->ended.notify_all();
}

void RunPool::Close() {
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;
  for (const auto& call : state_->queue) call->Cancel();
  for (const auto& call : state_->running) call->Cancel();
  state_->work.notify_all();
}

bool RunPool::Join(std::chrono::milliseconds time) {
  std::unique_lock lock(state_->mutex);
  return state_->ended.wait_for(lock, time, [&] { return state_->threads == 0; });
}

}  // namespace vortex::python
