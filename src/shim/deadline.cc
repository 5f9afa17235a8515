// SPDX-License-Identifier: Apache-2.0
// A job's deadline, kept by the shim itself: client and containerd may be dead by then.
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "google/protobuf/empty.pb.h"
#include "shim/files.h"
#include "shim/log.h"
#include "shim/service.h"
#include "shim/timestamps.h"

namespace vortex::shim {

void Service::TakeDeadline(Container* container) {
  const std::string text = container->config.Annotation("io.vortex.deadline-unix-ns");
  if (text.empty()) return;
  const auto when = ParseNumber(text);
  if (!when) {
    Log(Level::kWarning, {"io.vortex.deadline-unix-ns \"", text, "\" is no number, ignored"});
    return;
  }
  // Whoever sets the wall clock later neither shortens a budget nor prolongs it; time in suspend
  // counts.
  container->deadline = DeadlineOnBootClock(*when, NowUnixNs(), NowBootNs());
}

void Service::ArmDeadline(std::shared_ptr<Container> container) {
  if (!container->deadline) return;
  container->deadline_timer.Reset(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  itimerspec spec{};
  // 0 would disarm.
  const std::int64_t when = std::max<std::int64_t>(*container->deadline, 1);
  spec.it_value.tv_sec = static_cast<time_t>(when / 1'000'000'000);
  spec.it_value.tv_nsec = static_cast<long>(when % 1'000'000'000);
  ::timerfd_settime(container->deadline_timer.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
  // Weak: the watch belongs to the container.
  container->deadline_watch =
      loop_->Add(container->deadline_timer.get(), EPOLLIN,
                 [weak = std::weak_ptr<Container>(container)](std::uint32_t) {
                   const auto alive = weak.lock();
                   if (!alive) return;
                   alive->deadline_watch.Reset();
                   if (alive->init_exited) return;
                   alive->killed_at_deadline = NowUnixNs();
                   Log(Level::kInfo, {"container ", alive->id, ": deadline reached, killed"});
                   alive->KillAll();
                 });
}

}  // namespace vortex::shim
