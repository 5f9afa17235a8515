// SPDX-License-Identifier: Apache-2.0
#include "shim/readback.h"

#include <sys/stat.h>

#include <algorithm>

#include "shim/control_checker.h"
#include "shim/egress_network.h"
#include "shim/files.h"
#include "shim/log.h"
#include "shim/readback_checks.h"

namespace vortex::shim {
namespace {

constexpr std::chrono::milliseconds kLongestSeccompDelay{160};

// The program that a process runs; none when it has ended.
std::optional<FileId> ProgramOf(pid_t pid) {
  struct stat info {};
  if (::stat(("/proc/" + std::to_string(pid) + "/exe").c_str(), &info) != 0) return std::nullopt;
  return FileId{info.st_dev, info.st_ino};
}

void CheckHostProcess(Container* container, ControlChecker* checker) {
  const pid_t pid = container->init->pid;
  const std::string proc = "/proc/" + std::to_string(pid);
  const SpecControls& spec = *container->spec_controls;
  container->runtime_program = ProgramOf(pid);
  const std::string status = ReadFile(proc + "/status", 1 << 20).value_or("");
  CheckNamespaces(proc, spec, checker);
  CheckIdMaps(proc, spec, checker);
  CheckLinks(*container, proc, checker);
  if (container->config.no_new_privileges) {
    const std::string value = StatusField(status, "NoNewPrivs");
    checker->Switch("no_new_privileges", value == "1", "1", value);
  }
  CheckCapabilities(spec, status, checker);
  CheckIdentity(spec, status, checker);
  CheckMounts(*container, spec, proc, checker);
  CheckRlimits(pid, spec, checker);
  CheckOomScore(proc, spec, checker);
  CheckLabels(proc, spec, checker);
  CheckDeviceRules(container->cgroup, spec, checker);
  if (container->config.has_seccomp && StatusField(status, "Seccomp") == "2") {
    container->seccomp_seen = true;
    checker->Good("seccomp", "Seccomp: 2");
  }
}

}  // namespace

Status CheckInForce(Container* container) {
  if (!container->config.OurJob()) return Ok();
  container->controls.clear();
  ControlChecker checker(&container->controls);
  CheckCgroupLimits(*container, &checker);
  if (!container->cli->driver().host_init) {
    // With an egress link the sentry's namespace is what the job's sockets are in.
    const bool linked = HasEgressLink(container->config);
    if (linked) CheckLinks(*container, "/proc/" + std::to_string(container->init->pid), &checker);
    for (const char* name :
         {"namespaces", "uid map", "gid map", "network", "no_new_privileges", "capabilities", "uid",
          "gid", "groups", "mount flags", "mount sources", "mounts", "rlimits", "seccomp"}) {
      if (linked && std::string_view(name) == "network") continue;
      checker.Unseen(name, "kept by the sandbox's own kernel, which the host cannot look into");
    }
    checker.Unseen("devices", "the sandbox's own kernel has no devices of the host");
    checker.Unseen("oom_score_adj", "set by the runtime with the start");
  } else if (container->spec_controls) {
    CheckHostProcess(container, &checker);
  }
  // Its process may be gone, and then nothing of it can be read: that is the truth, not a control.
  if (!checker.result().ok() && container->init->reaped.set())
    return FailedPrecondition("the first process of " + container->id + " ended before its start");
  if (checker.result().ok()) container->spec_controls.reset();
  return checker.result();
}

namespace {

void CheckSeccompIn(base::EventLoop* loop, const std::shared_ptr<Container>& container,
                    std::chrono::milliseconds delay) {
  container->seccomp_check =
      loop->After(delay, [loop, delay, weak = std::weak_ptr<Container>(container)] {
        const auto alive = weak.lock();
        if (!alive || alive->init_exited) return;
        const auto program = ProgramOf(alive->init->pid);
        if (!program) return;
        if (program == alive->runtime_program) {
          // Still the runtime, which loads the filter just before it executes the job's program.
          return CheckSeccompIn(loop, alive, std::min(delay * 2, kLongestSeccompDelay));
        }
        const auto status =
            ReadFile("/proc/" + std::to_string(alive->init->pid) + "/status", 1 << 20);
        const std::string mode = StatusField(status.value_or(""), "Seccomp");
        if (mode.empty()) return;  // it ended just now
        const bool filtered = mode == "2";
        alive->seccomp_seen = true;
        alive->controls.push_back({"seccomp", 1, filtered ? 1 : 0, "Seccomp: " + mode});
        if (filtered) return;
        alive->missing_control =
            "sandbox_unavailable: control seccomp: asked for a filter, in force is mode " + mode;
        Log(Level::kError, {"container ", alive->id, ": ", alive->missing_control});
        alive->KillAll();
      });
}

}  // namespace

void CheckSeccompSoon(base::EventLoop* loop, const std::shared_ptr<Container>& container) {
  if (!container->config.OurJob() || !container->config.has_seccomp || container->seccomp_seen ||
      !container->cli->driver().host_init)
    return;
  CheckSeccompIn(loop, container, std::chrono::milliseconds(5));
}

void NoteUnseenSeccomp(Container* container) {
  if (!container->config.has_seccomp || container->seccomp_seen ||
      !container->cli->driver().host_init || container->times.start_done == 0)
    return;
  container->controls.push_back(
      {"seccomp", 1, 0, "not seen: the program was over before it could be read"});
}

}  // namespace vortex::shim
