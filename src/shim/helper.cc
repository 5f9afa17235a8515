// SPDX-License-Identifier: Apache-2.0
#include "shim/helper.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/spawn.h"
#include "base/unique_fd.h"
#include "shim/files.h"

namespace vortex::shim {

base::Task<Status> RunHelper(base::ChildReaper* reaper, std::function<Status()> body) {
  const base::UniqueFd result(::memfd_create("helper-result", MFD_CLOEXEC));
  if (!result) co_return FromErrno("helper result", errno);
  std::vector<int> keep;
  keep.push_back(result.get());
  const int fd = result.get();
  const std::function<int()> child = [&body, fd] {
    const Status status = body();
    if (status.ok()) return 0;
    // A short write only shortens the message.
    return ::write(fd, status.message.data(), status.message.size()) >= 0
               ? static_cast<int>(status.code)
               : 255;
  };
  const base::Result<pid_t> pid = base::ForkHelper(keep, child);
  if (!pid.ok()) co_return FromErrno("helper", pid.error());
  const base::ChildExit exit = co_await reaper->Wait(pid.value());
  if (exit.wait_status == 0) co_return Ok();
  std::string message = ReadFd(fd, 64 << 10);
  if (message.empty()) message = "helper ended with status " + std::to_string(exit.Code());
  const unsigned code = exit.Code();
  co_return Error(code <= 16 ? static_cast<Code>(code) : Code::kUnknown, std::move(message));
}

}  // namespace vortex::shim
