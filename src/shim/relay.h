// SPDX-License-Identifier: Apache-2.0
// Moves bytes from one descriptor to another as they come, without holding more than one small
// buffer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/event_loop.h"
#include "base/unique_fd.h"

namespace vortex::shim {

enum class RelayKind {
  kPipes,    // splice(2): both ends are pipes or FIFOs
  kFromTty,  // EIO means that no slave is open now, not the end
  kToTty,
};

// Both descriptors must be non-blocking. Ends at EOF or when the sink's reader is gone.
class Relay {
 public:
  Relay(base::EventLoop* loop, RelayKind kind, base::UniqueFd source, base::UniqueFd sink,
        std::function<void()> on_end);

  // From now on EIO of a terminal is the end: its process is dead.
  void SourceIsFinal();
  bool ended() const { return ended_; }
  std::uint64_t bytes() const { return bytes_; }
  // Closes both ends without calling back.
  void Stop();

 private:
  enum class Step { kMoved, kWaitSource, kWaitSink, kWaitTimer, kEnd };

  void Run();
  Step MoveSpliced();
  Step MoveCopied();
  void WatchSource();
  void WatchSink();
  void End();

  base::EventLoop* loop_;
  RelayKind kind_;
  bool splices_;
  base::UniqueFd source_;
  base::UniqueFd sink_;
  std::function<void()> on_end_;
  std::string pending_;
  base::EventLoop::Watch source_watch_;
  base::EventLoop::Watch sink_watch_;
  base::EventLoop::Timer retry_;
  std::uint64_t bytes_ = 0;
  bool final_ = false;
  bool ended_ = false;
};

}  // namespace vortex::shim
