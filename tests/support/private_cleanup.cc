// SPDX-License-Identifier: Apache-2.0
#include "support/private_cleanup.h"

#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>
#include <set>
#include <sstream>
#include <vector>

#include "base/pidfd.h"
#include "support/processes.h"

namespace vortex::testing {
namespace {

namespace fs = std::filesystem;

// Field 4 of /proc/PID/stat, after the command in parentheses (proc(5)).
int ParentOf(int pid) {
  const std::string stat = Slurp("/proc/" + std::to_string(pid) + "/stat");
  const auto end = stat.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream rest(stat.substr(end + 1));
  std::string state;
  int parent = 0;
  rest >> state >> parent;
  return parent;
}

// Containerd and its shims by their command line (all name the directory), and every descendant: a
// shim is the subreaper of its containers.
std::vector<int> ProcessesOf(const std::string& dir) {
  const auto pids = AllPids();
  std::set<int> found;
  for (const int pid : pids) {
    if (pid == ::getpid()) continue;
    const std::string command = Slurp("/proc/" + std::to_string(pid) + "/cmdline");
    const std::string program = command.substr(0, command.find('\0'));
    const bool ours = fs::path(program).filename().string().starts_with("containerd");
    if (ours && command.find(dir + "/") != std::string::npos) found.insert(pid);
  }
  for (bool grew = true; grew;) {
    grew = false;
    for (const int pid : pids)
      if (pid != ::getpid() && found.contains(ParentOf(pid))) grew |= found.insert(pid).second;
  }
  return {found.begin(), found.end()};
}

std::set<std::string> CgroupDirsOf(int pid) {
  std::set<std::string> dirs;
  const auto lines = [](const std::string& text) { return std::istringstream(text); };
  auto in = lines(Slurp("/proc/" + std::to_string(pid) + "/cgroup"));
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (path == "/") continue;
    if (controllers.starts_with("name=")) controllers.erase(0, 5);
    dirs.insert("/sys/fs/cgroup/" + (controllers.empty() ? "unified" : controllers) + path);
    if (controllers.empty()) dirs.insert("/sys/fs/cgroup" + path);
  }
  return dirs;
}

void KillAndAwait(const std::vector<int>& pids) {
  for (const int pid : pids) {
    auto pidfd = base::PidfdOpen(pid);
    if (!pidfd.ok()) continue;
    base::PidfdKill(pidfd.value().get(), SIGKILL);
    pollfd fd{pidfd.value().get(), POLLIN, 0};
    if (::poll(&fd, 1, 5'000) != 1) std::cerr << "cleanup: process " << pid << " does not die\n";
    ::waitpid(pid, nullptr, WNOHANG);  // reaps it when it is our child
  }
}

// Of a task that has ended but was not deleted: no process leads to its cgroup any more.
void RemoveCgroupOf(const fs::path& bundle) {
  static const std::regex kPath(R"re("cgroupsPath"\s*:\s*"(/[^"]+)")re");
  const std::string config = Slurp(bundle / "config.json");
  std::smatch found;
  if (!std::regex_search(config, found, kPath)) return;
  std::error_code error;
  for (const auto& controller : fs::directory_iterator("/sys/fs/cgroup", error))
    ::rmdir((controller.path().string() + found[1].str()).c_str());
  ::rmdir(("/sys/fs/cgroup" + found[1].str()).c_str());
}

// runc and containerd's default cgroup layout leave an empty directory a namespace. Names that
// others use at the same time are left alone: they may be about to make something inside.
void RemoveEmptyNamespaceDirs(const std::string& name) {
  static const std::set<std::string> kShared = {"default", "k8s.io", "moby", "vortex"};
  if (kShared.contains(name)) return;
  ::rmdir(("/run/containerd/runc/" + name).c_str());
  std::error_code error;
  for (const auto& controller : fs::directory_iterator("/sys/fs/cgroup", error))
    ::rmdir((controller.path() / name).c_str());
  ::rmdir(("/sys/fs/cgroup/" + name).c_str());
}

// Below the state directory: io.containerd.runtime.v2.task/NAMESPACE/ID.
void RemoveRuntimeState(const std::string& dir) {
  std::error_code error;
  for (const auto& ns :
       fs::directory_iterator(dir + "/state/io.containerd.runtime.v2.task", error)) {
    std::error_code inner;
    for (const auto& task : fs::directory_iterator(ns.path(), inner)) {
      RemoveCgroupOf(task.path());
      const std::string address = Slurp(task.path() / "address");
      if (address.starts_with("unix:///run/containerd/s/")) fs::remove(address.substr(7), inner);
      const fs::path runc =
          fs::path("/run/containerd/runc") / ns.path().filename() / task.path().filename();
      if (Slurp(runc / "state.json").find(dir + "/") != std::string::npos) {
        fs::remove_all(runc, inner);
      }
    }
    RemoveEmptyNamespaceDirs(ns.path().filename());
  }
}

void UnmountBelow(const std::string& dir) {
  std::vector<std::string> points;
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string skip, point;
    fields >> skip >> skip >> skip >> skip >> point;
    if (point.starts_with(dir + "/")) points.push_back(point);
  }
  // Later mounts lie on top of earlier ones.
  for (auto point = points.rbegin(); point != points.rend(); ++point)
    if (::umount2(point->c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
      std::cerr << "cleanup: cannot unmount " << *point << "\n";
}

}  // namespace

void RemovePrivateContainerd(const std::string& dir) {
  // A wrong directory would be costly.
  if (!dir.starts_with("/tmp/vortex-ctd-")) return;
  std::set<std::string> cgroups;
  // Twice: a shim may have started a process while the first list was made.
  for (int round = 0; round < 2; ++round) {
    const auto pids = ProcessesOf(dir);
    for (const int pid : pids) cgroups.merge(CgroupDirsOf(pid));
    KillAndAwait(pids);
  }
  for (const auto& own : CgroupDirsOf(::getpid())) cgroups.erase(own);
  // Deepest first; rmdir(2) refuses one that is in use.
  for (auto cgroup = cgroups.rbegin(); cgroup != cgroups.rend(); ++cgroup) ::rmdir(cgroup->c_str());
  RemoveRuntimeState(dir);
  UnmountBelow(dir);
  std::error_code error;
  fs::remove_all(dir, error);
  if (error) std::cerr << "cleanup: cannot remove " << dir << ": " << error.message() << "\n";
}

}  // namespace vortex::testing
