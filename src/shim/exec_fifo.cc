// SPDX-License-Identifier: Apache-2.0
#include "shim/exec_fifo.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace vortex::shim {

base::Task<bool> ReleaseByExecFifo(base::EventLoop* loop, std::string path,
                                   const base::Event* reaped, base::UniqueFd* reader) {
  base::UniqueFd& fifo = *reader;
  fifo.Reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!fifo || ::fstat(fifo.get(), &info) != 0 || !S_ISFIFO(info.st_mode)) co_return false;
  base::Event readable(loop);
  auto watch = loop->Add(fifo.get(), EPOLLIN, [&](std::uint32_t) {
    if (!readable.set()) readable.Set();
  });
  for (int tick = 0; tick < 20 && !readable.set() && !reaped->set(); ++tick)
    co_await readable.WaitFor(std::chrono::milliseconds(100));
  watch.Reset();
  char byte = 0;
  // Nothing to read, or the end of the file: the process ended while it waited.
  if (::read(fifo.get(), &byte, 1) != 1) co_return false;
  ::unlink(path.c_str());
  fifo.Reset();
  co_return true;
}

}  // namespace vortex::shim
