// SPDX-License-Identifier: Apache-2.0
#include "shim/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace vortex::shim {
namespace {

constexpr int kRoundsPerTurn = 16;
constexpr std::size_t kSpliceBytes = 64 << 10;

bool Writable(int fd) {
  pollfd poll{fd, POLLOUT, 0};
  return ::poll(&poll, 1, 0) == 1;
}

}  // namespace

Relay::Relay(base::EventLoop* loop, RelayKind kind, base::UniqueFd source, base::UniqueFd sink,
             std::function<void()> on_end)
    : loop_(loop),
      kind_(kind),
      splices_(kind == RelayKind::kPipes),
      source_(std::move(source)),
      sink_(std::move(sink)),
      on_end_(std::move(on_end)) {
  WatchSource();
}

void Relay::WatchSource() {
  sink_watch_.Reset();
  if (!source_watch_.active()) {
    source_watch_ = loop_->Add(source_.get(), EPOLLIN, [this](std::uint32_t) { Run(); });
  }
}

void Relay::WatchSink() {
  // Not Modify(0): a hang-up of the source is reported even so, and would spin.
  source_watch_.Reset();
  if (!sink_watch_.active()) {
    sink_watch_ = loop_->Add(sink_.get(), EPOLLOUT, [this](std::uint32_t) { Run(); });
  }
}

void Relay::Run() {
  for (int round = 0; round < kRoundsPerTurn; ++round) {
    switch (splices_ ? MoveSpliced() : MoveCopied()) {
      case Step::kMoved:
        break;
      case Step::kWaitSource:
        return WatchSource();
      case Step::kWaitSink:
        return WatchSink();
      case Step::kWaitTimer:
        return;
      case Step::kEnd:
        return End();
    }
  }
  // Others' turn. Level-triggered: the next round of the loop comes back here.
}

Relay::Step Relay::MoveSpliced() {
  const ssize_t count =
      ::splice(source_.get(), nullptr, sink_.get(), nullptr, kSpliceBytes, SPLICE_F_NONBLOCK);
  if (count > 0) {
    bytes_ += static_cast<std::uint64_t>(count);
    return Step::kMoved;
  }
  if (count == 0) return Step::kEnd;
  if (errno == EINTR) return Step::kMoved;
  if (errno == EINVAL) {
    // splice(2) does not append to files.
    splices_ = false;
    return Step::kMoved;
  }
  if (errno != EAGAIN) return Step::kEnd;
  return Writable(sink_.get()) ? Step::kWaitSource : Step::kWaitSink;
}

Relay::Step Relay::MoveCopied() {
  while (!pending_.empty()) {
    const ssize_t count = ::write(sink_.get(), pending_.data(), pending_.size());
    if (count > 0) {
      bytes_ += static_cast<std::uint64_t>(count);
      pending_.erase(0, static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      return Step::kWaitSink;
    } else if (errno != EINTR) {
      return Step::kEnd;
    }
  }
  char buffer[4096];
  const ssize_t count = ::read(source_.get(), buffer, sizeof buffer);
  if (count > 0) {
    pending_.assign(buffer, static_cast<std::size_t>(count));
    return Step::kMoved;
  }
  if (count == 0) return Step::kEnd;
  if (errno == EINTR) return Step::kMoved;
  if (errno == EAGAIN) return Step::kWaitSource;
  if (errno == EIO && kind_ == RelayKind::kFromTty && !final_) {
    // A shell may close the terminal and another process open it again.
    source_watch_.Reset();
    retry_ = loop_->After(std::chrono::milliseconds(100), [this] { WatchSource(); });
    return Step::kWaitTimer;
  }
  return Step::kEnd;
}

void Relay::SourceIsFinal() {
  final_ = true;
  if (ended_) return;
  retry_.Reset();
  if (!sink_watch_.active()) WatchSource();
}

void Relay::End() {
  Stop();
  if (on_end_) std::exchange(on_end_, nullptr)();
}

void Relay::Stop() {
  ended_ = true;
  source_watch_.Reset();
  sink_watch_.Reset();
  retry_.Reset();
  source_.Reset();
  sink_.Reset();
}

}  // namespace vortex::shim
