// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "google/protobuf/empty.pb.h"
#include "shim/actions.h"
#include "shim/cgroup_moves.h"
#include "shim/event_publisher.h"
#include "shim/log.h"
#include "shim/service.h"
#include "shim/ttrpc_server.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace vortex::shim {

int Serve(ServeOptions options, base::UniqueFd listener) {
  // Orphans of containers come to us; the runtime leaves their first process that way.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  PrepareCgroupMoves();
  ::signal(SIGPIPE, SIG_IGN);
  // Big buffers go back to the kernel when they are freed, and the heap's top with them.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 32 << 10);
  OpenLog("log", options.args.debug);

  base::EventLoop loop;
  base::ChildReaper reaper(&loop);
  EventPublisher events(&loop, options.ttrpc_address, options.args.name_space);
  Service service(&loop, &reaper, &events,
                  {options.args.name_space, options.socket_path, options.options});
  TtrpcServer server(&loop, std::move(listener),
                     [&service](Call call) { service.Handle(std::move(call)); });
  service.set_server(&server);

  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) ::sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const base::UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  const auto watch = loop.Add(signals.get(), EPOLLIN, [&](std::uint32_t) {
    signalfd_siginfo info;
    while (::read(signals.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGUSR1) {
        service.DumpState();
      } else {
        Log(Level::kInfo, {"shim ends: signal ", std::to_string(info.ssi_signo)});
        service.ShutDown();
      }
    }
  });
  Log(Level::kDebug, {"shim serves ", options.group});
  loop.Run();
  // Answers that are still on their way, the one to Shutdown among them.
  for (int turn = 0; turn < 20 && !server.Flushed(); ++turn) loop.Turn(10);
#if defined(__SANITIZE_ADDRESS__)
  // _exit skips the check at exit.
  if (__lsan_do_recoverable_leak_check() != 0) return 86;
#endif
  return 0;
}

}  // namespace vortex::shim
