// SPDX-License-Identifier: Apache-2.0
// Runs on threads of their own, and the way back to the interpreter.
//
// A thread of the pool never touches Python: it puts what happened into a mailbox and writes the
// mailbox's eventfd, which an event loop watches (asyncio's add_reader) or a synchronous caller
// polls. So no run ever waits for the GIL, and an interpreter that is going away cannot be called
// into.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancellation.h"
#include "base/unique_fd.h"
#include "outcome.h"
#include "sandbox/runner.h"

namespace vortex::python {

struct Letter {
  enum class Kind { kStdout, kStderr, kDone };
  std::uint64_t call = 0;  // the caller's own number for the run
  Kind kind = Kind::kDone;
  std::string bytes;             // of a stream
  std::uint64_t lost_bytes = 0;  // of the same stream before these, dropped for want of room
  std::shared_ptr<Outcome> outcome;
};

// Thread-safe.
class Mailbox {
 public:
  Mailbox();
  // Readable while there are letters.
  int fd() const { return event_.get(); }
  void Put(Letter letter);
  std::vector<Letter> TakeAll();

 private:
  base::UniqueFd event_;
  std::mutex mutex_;
  std::vector<Letter> letters_;
};

class Call {
 public:
  Call(std::uint64_t number, sandbox::RunRequest request, std::shared_ptr<Mailbox> mailbox,
       std::size_t stream_room);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Kills the sandbox, or takes the call out of the queue. The outcome still comes. Thread-safe.
  void Cancel() { cancel_.Cancel(); }
  // Room that the reader has made by taking letters.
  void Took(std::size_t bytes);

  std::uint64_t number() const { return number_; }
  const sandbox::RunRequest& request() const { return request_; }
  void Deliver(Outcome outcome);

 private:
  friend class RunPool;
  struct Gap {
    std::uint64_t lost = 0;
  };
  void Stream(Letter::Kind kind, std::string_view bytes, Gap& gap);

  const std::uint64_t number_;
  base::Cancellation cancel_;
  sandbox::RunRequest request_;
  const std::shared_ptr<Mailbox> mailbox_;
  std::mutex mutex_;
  std::size_t room_;
  Gap stdout_gap_, stderr_gap_;
};

// At most `threads` runs at once; more wait in their order, with their budget running. Threads are
// made when needed and kept. Thread-safe.
class RunPool {
 public:
  RunPool(std::shared_ptr<sandbox::SandboxRunner> runner, std::size_t threads);
  // Cancels what runs; does not wait.
  ~RunPool();

  // False: closed.
  bool Submit(std::shared_ptr<Call> call);
  // Refuses new calls and cancels those there are.
  void Close();
  // True once every call has ended and every thread is gone, within `time`. After Close.
  bool Join(std::chrono::milliseconds time);

 private:
  struct State;
  static void Work(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace vortex::python
