// SPDX-License-Identifier: Apache-2.0
// What the first process, a restored one and an exec have in common: their streams before the
// runtime is called, their pid after it.
#include "base/pidfd.h"
#include "google/protobuf/empty.pb.h"
#include "shim/files.h"
#include "shim/service.h"

namespace vortex::shim {

base::Task<Status> Service::OpenIo(std::shared_ptr<Container> container,
                                   std::shared_ptr<Process> process, bool relay) {
  IoRequest io{container->id,
               config_.name_space,
               process->terminal,
               process->in,
               process->out,
               process->err,
               relay,
               container->options.io_uid,
               container->options.io_gid};
  process->io = std::make_unique<ProcessIo>(loop_, reaper_, std::move(io));
  co_return co_await process->io->Open();
}

void Service::HandOver(const ProcessIo& io, RuntimeCall* call) {
  if (const std::string console = io.console_socket(); !console.empty()) {
    call->args.insert(call->args.end(), {"--console-socket", console});
  } else {
    call->has_stdio = true;
    io.ChildFds(call->stdio);
  }
}

base::Task<Status> Service::Adopt(std::shared_ptr<Process> process, std::string verb,
                                  std::string pid_file) {
  const auto pid = ReadFile(pid_file, 64);
  process->pid = pid ? static_cast<pid_t>(ParseNumber(*pid).value_or(0)) : 0;
  if (process->pid <= 0)
    co_return Error(Code::kUnknown, "OCI runtime " + verb + " wrote no pid to " + pid_file);
  if (auto pidfd = base::PidfdOpen(process->pid); pidfd.ok())
    process->pidfd = std::move(pidfd).value();
  co_return co_await process->io->Started();
}

}  // namespace vortex::shim
