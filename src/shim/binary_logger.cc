// SPDX-License-Identifier: Apache-2.0
// binary:// and binary-v2:// outputs: a program of the operator reads the streams on its
// descriptors 3 and 4 and says on 5 that it is ready.
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

#include "base/spawn.h"
#include "shim/process_io.h"

namespace vortex::shim {
namespace {

using std::chrono::seconds;

struct Ends {
  base::UniqueFd read;
  base::UniqueFd write;
};

Status Pipe(Ends* ends) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return FromErrno("pipe", errno);
  ends->read.Reset(fds[0]);
  ends->write.Reset(fds[1]);
  return Ok();
}

// True: a byte came. False: end of file or the limit.
base::Task<bool> WaitReady(base::EventLoop* loop, int fd) {
  base::Event readable(loop);
  auto watch = loop->Add(fd, EPOLLIN, [&](std::uint32_t) {
    if (!readable.set()) readable.Set();
  });
  co_await readable.WaitFor(seconds(10));
  watch.Reset();
  char byte = 0;
  ::fcntl(fd, F_SETFL, O_RDONLY | O_NONBLOCK);
  co_return ::read(fd, &byte, 1) == 1;
}

// Lives on its own: the logger may outlast its process.
base::Task<void> ReapLogger(base::ChildReaper* reaper, pid_t pid,
                            std::shared_ptr<base::Event> done) {
  co_await reaper->Wait(pid);
  done->Set();
}

}  // namespace

base::Task<Status> ProcessIo::StartLogger(const StdioUri& uri) {
  Ends out;
  Ends err;
  Ends ready;
  for (Ends* ends : {&out, &err, &ready}) {
    if (Status status = Pipe(ends); !status.ok()) co_return status;
  }
  base::SpawnOptions spawn;
  spawn.program = uri.path;
  spawn.argv.push_back(uri.path);
  spawn.argv.insert(spawn.argv.end(), uri.args.begin(), uri.args.end());
  spawn.env.push_back("CONTAINER_ID=" + request_.container_id);
  spawn.env.push_back("CONTAINER_NAMESPACE=" + request_.name_space);
  spawn.fds = std::vector<int>(6, -1);
  spawn.fds[3] = out.read.get();
  spawn.fds[4] = err.read.get();
  spawn.fds[5] = ready.write.get();
  const base::Result<pid_t> pid = base::Spawn(spawn);
  if (!pid.ok()) co_return FromErrno("start logger " + uri.path, pid.error());
  logger_ = pid.value();
  logger_done_ = std::make_shared<base::Event>(loop_);
  base::Detach(ReapLogger(reaper_, logger_, logger_done_));
  ready.write.Reset();
  const bool said_ready = co_await WaitReady(loop_, ready.read.get());
  if (!said_ready && uri.kind == StdioUri::Kind::kBinaryV2) {
    ::kill(logger_, SIGKILL);
    co_return Error(Code::kUnknown,
                    "logger " + uri.path + " ended or stayed silent before it was ready");
  }
  Chown(out.write.get());
  Chown(err.write.get());
  out_.direct.fd = std::move(out.write);
  err_.direct.fd = std::move(err.write);
  co_return Ok();
}

}  // namespace vortex::shim
