// SPDX-License-Identifier: Apache-2.0
#include "shim/oom_watch.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <string>

#include "shim/files.h"
#include "shim/log.h"

namespace vortex::shim {

OomWatch::OomWatch(base::EventLoop* loop, const Cgroup* cgroup, bool of_systemd,
                   std::function<void()> on_kill)
    : cgroup_(cgroup), on_kill_(std::move(on_kill)) {
  seen_ = cgroup_->OomKills().value_or(0);
  if (of_systemd && cgroup_->v2()) log_.emplace();
  if (!(cgroup_->v2() ? ArmV2() : ArmV1())) {
    Log(Level::kDebug, {"no out-of-memory events: the cgroup has no memory controller to watch"});
    return;
  }
  watch_ = loop->Add(fd_.get(), EPOLLIN, [this](std::uint32_t) {
    alignas(inotify_event) char buffer[1024];
    while (::read(fd_.get(), buffer, sizeof buffer) > 0) {
    }
    if (!cgroup_->OomKills()) {
      watch_.Reset();  // the cgroup is gone
      return;
    }
    Check();
  });
}

bool OomWatch::ArmV1() {
  const std::string dir = cgroup_->Dir("memory");
  if (dir.empty()) return false;
  fd_.Reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  control_.Reset(::open((dir + "/memory.oom_control").c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd_ || !control_) return false;
  return WriteExisting(dir + "/cgroup.event_control",
                       std::to_string(fd_.get()) + " " + std::to_string(control_.get())) == 0;
}

bool OomWatch::ArmV2() {
  const std::string dir = cgroup_->Dir("memory");
  if (dir.empty()) return false;
  fd_.Reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  return fd_ && ::inotify_add_watch(fd_.get(), (dir + "/memory.events").c_str(), IN_MODIFY) >= 0;
}

void OomWatch::Check() {
  const auto now = cgroup_->OomKills();
  // The hierarchy is mounted at /sys/fs/cgroup under v2; the log names cgroups below it.
  const std::string root = "/sys/fs/cgroup";
  const std::string dir = cgroup_->Dir("memory");
  const bool logged = !now && seen_ == 0 && log_ && dir.starts_with(root) &&
                      log_->ToldOfKillIn(std::string_view(dir).substr(root.size()));
  if (!logged && now.value_or(seen_) <= seen_) return;
  seen_ = now.value_or(1);
  on_kill_();
}

}  // namespace vortex::shim
