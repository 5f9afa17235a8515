// SPDX-License-Identifier: Apache-2.0
// A job's deadline, kept by the shim itself: client and containerd may be dead by then.
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "google/protobuf/empty.pb.h"
#include "shim/files.h"
#include "shim/log.h"
#include "shim/service.h"

namespace vortex::shim {

void Service::ArmDeadline(std::shared_ptr<Container> container) {
  const std::string text = container->config.Annotation("io.vortex.deadline-unix-ns");
  const auto when = text.empty() ? std::nullopt : ParseNumber(text);
  if (!when) {
    if (!text.empty())
      Log(Level::kWarning, {"io.vortex.deadline-unix-ns \"", text, "\" is no number, ignored"});
    return;
  }
  // The wall clock, since the annotation names a point of it.
  container->deadline_timer.Reset(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  itimerspec spec{};
  spec.it_value.tv_sec = static_cast<time_t>(*when / 1'000'000'000);
  spec.it_value.tv_nsec = static_cast<long>(*when % 1'000'000'000);
  if (spec.it_value.tv_sec == 0 && spec.it_value.tv_nsec == 0)
    spec.it_value.tv_nsec = 1;  // 0 would disarm
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
