// SPDX-License-Identifier: Apache-2.0
#include "shim/process_io.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace vortex::shim {
namespace {

using std::chrono::seconds;

Status MakePipe(base::UniqueFd* read_end, base::UniqueFd* write_end) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return FromErrno("pipe", errno);
  read_end->Reset(fds[0]);
  write_end->Reset(fds[1]);
  return Ok();
}

// The pid stays ours until the reaper sets `done`.
base::Task<void> StopLogger(pid_t pid, std::shared_ptr<base::Event> done) {
  ::kill(pid, SIGTERM);
  const bool left = co_await done->WaitFor(seconds(12));
  if (!left) ::kill(pid, SIGKILL);
}

base::UniqueFd Duplicate(int fd) { return base::UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 3)); }

}  // namespace

ProcessIo::ProcessIo(base::EventLoop* loop, base::ChildReaper* reaper, IoRequest request)
    : loop_(loop),
      reaper_(reaper),
      request_(std::move(request)),
      relays_done_(std::make_unique<base::Event>(loop)) {}

ProcessIo::~ProcessIo() = default;

void ProcessIo::Chown(int fd) const {
  if (request_.uid == 0 && request_.gid == 0) return;
  [[maybe_unused]] const int ignored = ::fchown(fd, request_.uid, request_.gid);
}

base::Task<Status> ProcessIo::Open() {
  const StdioUri uri = ParseStdioUri(request_.out);
  if (uri.kind == StdioUri::Kind::kUnsupported) {
    co_return InvalidArgument("stdout \"" + request_.out +
                              "\": this kind of stream is not supported");
  }
  if (uri.kind == StdioUri::Kind::kBinary || uri.kind == StdioUri::Kind::kBinaryV2) {
    Status status = co_await StartLogger(uri);
    if (!status.ok()) co_return status;
  } else if (Status status = OpenOutputs(); !status.ok()) {
    co_return status;
  }
  if (Status status = OpenStdin(); !status.ok()) co_return status;
  if (request_.terminal) {
    console_ = std::make_unique<ConsoleSocket>(loop_);
    if (Status status = console_->Listen(); !status.ok()) co_return status;
  }
  co_return Ok();
}

Status ProcessIo::OpenOutputs() {
  if (Status status = OpenOneOutput(ParseStdioUri(request_.out), &out_); !status.ok())
    return status;
  if (request_.terminal || request_.err.empty()) return Ok();
  if (request_.err == request_.out) {
    // One open file description: two would overwrite each other in a file.
    err_is_out_ = true;
    return Ok();
  }
  return OpenOneOutput(ParseStdioUri(request_.err), &err_);
}

Status ProcessIo::OpenOneOutput(const StdioUri& uri, Stream* stream) {
  using Kind = StdioUri::Kind;
  if (uri.kind == Kind::kNull) return Ok();
  if (uri.kind != Kind::kFifo && uri.kind != Kind::kFile) {
    return InvalidArgument("output \"" + uri.path + "\": stdout and stderr must be of one kind");
  }
  const bool relayed = request_.relay || request_.terminal;
  OutputEnd* end = relayed ? &stream->sink : &stream->direct;
  Status status =
      uri.kind == Kind::kFile ? OpenFileOutput(uri.path, end) : OpenOutput(uri.path, relayed, end);
  if (!status.ok()) return status;
  if (!relayed) {
    if (uri.kind == Kind::kFifo) Chown(end->fd.get());
    return Ok();
  }
  if (request_.terminal) return Ok();
  status = MakePipe(&stream->pipe_read, &stream->pipe_write);
  if (status.ok()) Chown(stream->pipe_write.get());
  return status;
}

Status ProcessIo::OpenStdin() {
  if (request_.in.empty()) return Ok();
  const bool relayed = request_.relay || request_.terminal;
  if (Status status = OpenInput(request_.in, relayed, &stdin_); !status.ok()) return status;
  if (!relayed) {
    Chown(stdin_.fd.get());
    return Ok();
  }
  if (request_.terminal) return Ok();
  Status status = MakePipe(&stdin_pipe_read_, &stdin_pipe_write_);
  if (status.ok()) Chown(stdin_pipe_read_.get());
  return status;
}

void ProcessIo::ChildFds(int fds[3]) const {
  const auto of = [](const Stream& stream) {
    return stream.pipe_write ? stream.pipe_write.get() : stream.direct.fd.get();
  };
  fds[0] = stdin_pipe_read_ ? stdin_pipe_read_.get() : request_.relay ? -1 : stdin_.fd.get();
  fds[1] = of(out_);
  fds[2] = err_is_out_ ? fds[1] : of(err_);
}

void ProcessIo::StartOutputRelay(Stream* stream, RelayKind kind, base::UniqueFd source) {
  // A duplicate, so that the FIFO's guard in `sink` outlives the relay.
  stream->relay =
      std::make_unique<Relay>(loop_, kind, std::move(source), std::move(stream->sink.fd), [this] {
        if (RelaysEnded()) relays_done_->Set();
      });
}

base::Task<Status> ProcessIo::Started() {
  if (request_.terminal) {
    Status status = co_await console_->Receive(&master_);
    console_.reset();
    if (!status.ok()) co_return status;
    if (out_.direct.fd) {
      // A logger's pipe.
      ::fcntl(out_.direct.fd.get(), F_SETFL, O_WRONLY | O_NONBLOCK);
      out_.sink.fd = std::move(out_.direct.fd);
    }
    // With no stdout named, output is taken and thrown away: a full terminal would block the
    // process.
    if (!out_.sink.fd) out_.sink.fd.Reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    StartOutputRelay(&out_, RelayKind::kFromTty, Duplicate(master_.get()));
    if (stdin_.fd) {
      stdin_relay_ = std::make_unique<Relay>(loop_, RelayKind::kToTty, std::move(stdin_.fd),
                                             Duplicate(master_.get()), nullptr);
    }
    co_return Ok();
  }
  for (Stream* stream : {&out_, &err_}) {
    stream->direct.fd.Reset();
    stream->pipe_write.Reset();
    if (!stream->pipe_read) continue;
    ::fcntl(stream->pipe_read.get(), F_SETFL, O_RDONLY | O_NONBLOCK);
    StartOutputRelay(stream, RelayKind::kPipes, std::move(stream->pipe_read));
  }
  stdin_pipe_read_.Reset();
  if (stdin_pipe_write_) {
    ::fcntl(stdin_pipe_write_.get(), F_SETFL, O_WRONLY | O_NONBLOCK);
    stdin_relay_ = std::make_unique<Relay>(loop_, RelayKind::kPipes, std::move(stdin_.fd),
                                           std::move(stdin_pipe_write_), nullptr);
  } else {
    stdin_.fd.Reset();
  }
  co_return Ok();
}

void ProcessIo::CloseStdin() { stdin_.guard.Reset(); }

Status ProcessIo::Resize(std::uint32_t width, std::uint32_t height) {
  if (!master_) return Ok();
  winsize size{};
  size.ws_row = static_cast<unsigned short>(height);
  size.ws_col = static_cast<unsigned short>(width);
  return ::ioctl(master_.get(), TIOCSWINSZ, &size) == 0 ? Ok()
                                                        : FromErrno("resize the terminal", errno);
}

void ProcessIo::ProcessExited() {
  stdin_.guard.Reset();
  if (stdin_relay_) stdin_relay_->Stop();
  if (out_.relay && request_.terminal) {
    // The slave's last holder may still be alive (a daemonised child): then the drain's limit ends
    // it.
    master_.Reset();
    out_.relay->SourceIsFinal();
  }
}

bool ProcessIo::RelaysEnded() const {
  return (!out_.relay || out_.relay->ended()) && (!err_.relay || err_.relay->ended());
}

std::uint64_t ProcessIo::RelayedTotal() const {
  return (out_.relay ? out_.relay->bytes() : 0) + (err_.relay ? err_.relay->bytes() : 0);
}

std::int64_t ProcessIo::RelayedBytes(int stream) const {
  const Stream& which = stream == 1 ? out_ : err_;
  return which.relay ? static_cast<std::int64_t>(which.relay->bytes()) : -1;
}

base::Task<void> ProcessIo::Drain() {
  const auto deadline = base::EventLoop::Clock::now() + seconds(8);
  while (!RelaysEnded() && base::EventLoop::Clock::now() < deadline) {
    const std::uint64_t before = RelayedTotal();
    const bool done = co_await relays_done_->WaitFor(seconds(2));
    if (done || RelayedTotal() == before) break;
  }
  for (Stream* stream : {&out_, &err_}) {
    if (stream->relay) stream->relay->Stop();
    stream->direct.guard.Reset();
    stream->sink.guard.Reset();
  }
  if (!logger_done_) co_return;
  // Its input has ended, and most loggers leave by themselves.
  const bool left = co_await logger_done_->WaitFor(seconds(2));
  if (!left) base::Detach(StopLogger(logger_, logger_done_));
}

}  // namespace vortex::shim
