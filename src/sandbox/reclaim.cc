// SPDX-License-Identifier: Apache-2.0
#include "sandbox/reclaim.h"

#include <signal.h>

#include "base/status.h"

namespace vortex::sandbox {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStep{5'000};
constexpr milliseconds kDeath{5'000};

client::CallOptions Options(milliseconds timeout) {
  client::CallOptions options;
  options.timeout = timeout;
  return options;
}

// NotFound is success without work: true when something was removed.
absl::StatusOr<bool> DeleteTask(client::Client& client, const std::string& id) {
  auto exit = client.tasks().Delete(id, Options(kStep));
  if (exit.ok()) return true;
  if (absl::IsNotFound(exit.status())) return false;
  // Nobody answers: more calls would only wait as long each.
  if (absl::IsDeadlineExceeded(exit.status()) || absl::IsUnavailable(exit.status()))
    return exit.status();
  // It still runs. Wait first, so that the exit that the kill brings about is not missed.
  auto wait = client.tasks().StartWait(id, "", Options(kDeath));
  const absl::Status killed = client.tasks().Kill(id, "", SIGKILL, true, Options(kStep));
  if (killed.ok()) wait->Take().IgnoreError();
  exit = client.tasks().Delete(id, Options(kStep));
  if (exit.ok()) return true;
  if (absl::IsNotFound(exit.status())) return false;
  return exit.status();
}

absl::StatusOr<bool> DeleteContainer(client::Client& client, const std::string& id) {
  const absl::Status status = client.containers().Delete(id, Options(kStep));
  if (absl::IsNotFound(status)) return false;
  if (!status.ok()) return status;
  return true;
}

}  // namespace

Reclaimed ReclaimRun(client::Client* client, const CgroupHost& cgroups,
                     const std::string& cgroups_path, const std::string& run_id, RunDir& dir) {
  Reclaimed out;
  const auto note = [&](const char* what, const absl::StatusOr<bool>& done) {
    if (!done.ok()) {
      out.leftovers.push_back(fmt::format("{} {}: {}", what, run_id, Message(done.status())));
    } else if (*done) {
      out.removed.push_back(what);
    }
  };
  if (client != nullptr) {
    note("task", DeleteTask(*client, run_id));
    // A container record is what finds a task again: it goes only after the task.
    if (out.leftovers.empty()) note("container", DeleteContainer(*client, run_id));
  } else {
    out.leftovers.push_back(fmt::format("task {}: containerd is not reachable", run_id));
  }
  // The runtime removes the cgroup with the task; it is there still when the runtime or its shim
  // died.
  const RunCgroup cgroup(cgroups, cgroups_path);
  if (cgroup.Exists()) {
    const absl::Status destroyed = cgroup.Destroy(kDeath);
    note("cgroup", destroyed.ok() ? absl::StatusOr<bool>(true) : absl::StatusOr<bool>(destroyed));
  }
  // Last: the directory is what a later collection goes by.
  if (out.leftovers.empty()) {
    const absl::Status removed = dir.Remove();
    note("run directory",
         removed.ok() ? absl::StatusOr<bool>(true) : absl::StatusOr<bool>(removed));
  }
  return out;
}

}  // namespace vortex::sandbox
