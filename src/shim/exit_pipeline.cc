// SPDX-License-Identifier: Apache-2.0
// From a reaped pid to a published exit, in the one order that containerd's clients rely on: exec
// exits before the container's, start before exit, out-of-memory before exit.
#include <signal.h>

#include "containerd/events/task.pb.h"
#include "google/protobuf/empty.pb.h"
#include "shim/files.h"
#include "shim/log.h"
#include "shim/panic_log.h"
#include "shim/readback.h"
#include "shim/service.h"
#include "shim/timestamps.h"

namespace vortex::shim {

void Service::WatchProcess(std::shared_ptr<Container> container, std::shared_ptr<Process> process) {
  reaper_->Expect(process->pid, [this, container, process](base::ChildExit exit) {
    process->exit_status = exit.Code();
    process->wait_status = exit.wait_status;
    process->exited_at = exit.unix_ns;
    process->pidfd.Reset();
    process->reaped.Set();
    if (process->init()) {
      container->init_exited = true;
      base::Detach(InitExited(container));
    } else {
      base::Detach(ExecExited(container, process));
    }
  });
}

void Service::MarkStopped(Process* process) {
  process->state = State::kStopped;
  if (process->io) process->io->ProcessExited();
}

void Service::PublishExit(const Container& container, const Process& process) {
  containerd::events::TaskExit event;
  event.set_container_id(container.id);
  event.set_id(process.init() ? container.id : process.exec_id);
  event.set_pid(static_cast<std::uint32_t>(process.pid));
  event.set_exit_status(process.exit_status);
  SetTime(event.mutable_exited_at(), process.exited_at);
  Publish("/tasks/exit", "containerd.events.TaskExit", event);
}

base::Task<void> Service::ExecExited(std::shared_ptr<Container> container,
                                     std::shared_ptr<Process> process) {
  if (process->starting) co_await process->start_done.Wait();
  MarkStopped(process.get());
  PublishExit(*container, *process);
  process->exited.Set();
}

base::Task<void> Service::InitExited(std::shared_ptr<Container> container) {
  Process* init = container->init.get();
  if (init->starting) co_await init->start_done.Wait();
  // With a private pid namespace the kernel has killed the rest already.
  if (container->config.shared_pid_namespace) {
    container->cgroup.KillAll();
    if (container->sandbox && !container->sandbox->init_exited) {
      // The answer may be that nothing is left to kill.
      const Status ignored = co_await KillMember(container, SIGKILL, true);
    }
  }
  if (container->sandbox) {
    // Its death may have been the sandbox's, for lack of memory.
    if (container->sandbox->oom) container->sandbox->oom->Check();
  } else if (!container->cli->driver().host_init) {
    if (container->oom) container->oom->Check();
    co_await EndMembers(container);
  }
  const auto limit = base::EventLoop::Clock::now() + std::chrono::seconds(1);
  // A copy: a Delete of an exec may change the map while this waits.
  const auto execs = container->execs;
  for (const auto& [id, exec] : execs) {
    if (exec->pid == 0 || exec->exited.set()) continue;
    const auto left = limit - base::EventLoop::Clock::now();
    if (left <= std::chrono::nanoseconds::zero()) break;
    co_await exec->exited.WaitFor(left);
  }
  if (container->oom) container->oom->Check();
  container->times.exited = init->exited_at;
  container->deadline_watch.Reset();
  container->seccomp_check.Reset();
  if (!container->cli->driver().host_init && !container->sandbox) {
    container->panic =
        PanicReason(ReadFile(container->bundle + "/" + kPanicLog, 1 << 20).value_or(""));
    if (!container->panic.empty())
      Log(Level::kError, {"container ", container->id, ": the sandbox died: ", container->panic});
  }
  if (container->config.OurJob()) {
    NoteUnseenSeccomp(container.get());
    WriteReport(*container);
  }
  MarkStopped(init);
  PublishExit(*container, *init);
  init->exited.Set();
}

}  // namespace vortex::shim
