// SPDX-License-Identifier: Apache-2.0
#include "sandbox/doctor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "base/files.h"
#include "base/status.h"
#include "client/client.h"
#include "sandbox/cgroup.h"
#include "sandbox/rootfs.h"
#include "sandbox/runtime_classes.h"

namespace vortex::sandbox {
namespace {

Check FromStatus(std::string name, const absl::Status& status, std::string detail,
                 std::string remedy) {
  Check check{std::move(name), status.ok(), true, std::move(detail), std::move(remedy)};
  if (!status.ok()) check.detail = Message(status);
  return check;
}

Check CheckRoot() {
  Check check{"privilege", ::geteuid() == 0, true, fmt::format("running as uid {}", ::geteuid()),
              "run as root: containerd, cgroups and user namespaces of other ids need it"};
  return check;
}

Check CheckKernel() {
  utsname name{};
  ::uname(&name);
  const std::string release = name.release;
  // openat2 is the newest system call that nothing can replace; pidfd_open is older (5.3).
  const auto probe = base::OpenFile("/", O_RDONLY | O_DIRECTORY);
  absl::Status status = probe.status();
  if (probe.ok()) status = base::OpenBeneath(probe->get(), "proc", O_RDONLY | O_DIRECTORY).status();
  return FromStatus("kernel", status, "Linux " + release, "use Linux 5.6 or newer (openat2)");
}

Check CheckUserNamespaces() {
  const auto limit = base::ReadFile("/proc/sys/user/max_user_namespaces", 64);
  Check check{"user namespaces", limit.ok() && std::atoi(limit->c_str()) > 0, true,
              limit.ok() ? "at most " + limit->substr(0, limit->find('\n'))
                         : std::string(Message(limit.status())),
              "set the sysctl user.max_user_namespaces to 15000 or more"};
  return check;
}

Check CheckCgroups() {
  const auto host = CgroupHost::Detect();
  return FromStatus("cgroups", host.status(),
                    host.ok() ? (host->v2() ? "version 2" : "version 1 (memory, cpu, pids)") : "",
                    "mount the missing controller, or boot with cgroup v2");
}

std::vector<Check> CheckContainerd(const EmbeddedOptions& options) {
  client::ConnectOptions connect;
  connect.address = options.address;
  connect.containerd_namespace = options.containerd_namespace;
  auto client = client::Client::Connect(connect);
  absl::Status status = client.status();
  std::string detail;
  if (client.ok()) {
    const auto version = (*client)->version().Get();
    status = version.status();
    if (version.ok()) detail = fmt::format("{} at {}", version->version, options.address);
  }
  std::vector<Check> out = {FromStatus(
      "containerd", status, detail,
      "start containerd, or name its socket with --address (a checkout has its own: `./dev up`)")};
  if (!status.ok()) return out;

  Check snapshotter{"snapshotter", false, true,
                    options.snapshotter + ": not a plugin of this containerd",
                    "choose another one with --snapshotter"};
  const auto plugins = (*client)->introspection().Plugins({"type==io.containerd.snapshotter.v1"});
  if (!plugins.ok()) snapshotter.detail = Message(plugins.status());
  for (const client::Plugin& plugin : plugins.ok() ? *plugins : std::vector<client::Plugin>()) {
    if (plugin.id != options.snapshotter) continue;
    snapshotter.ok = plugin.init_error.ok();
    snapshotter.detail = snapshotter.ok ? plugin.id : std::string(Message(plugin.init_error));
  }
  out.push_back(std::move(snapshotter));

  const auto image = (*client)->images().Get(options.image);
  out.push_back(FromStatus("image", image.status(), options.image,
                           "build and import it: vortexctl image build"));
  return out;
}

Check CheckRuntimeClass(const RuntimeClassInfo& info, oci::RuntimeClass default_class) {
  Check check;
  check.name = "runtime class " + std::string(oci::Name(info.runtime_class));
  check.required = info.runtime_class == default_class;
  if (!info.supported) {
    check.detail = "known, but this version cannot run it yet";
    check.remedy = "use --runtime-class runc";
    return check;
  }
  const std::string version = ProgramVersion(info.program);
  check.ok = !version.empty();
  check.detail = check.ok ? version : info.program + ": not on PATH";
  check.remedy = "apt-get install " + info.package;
  return check;
}

}  // namespace

std::string ProgramVersion(const std::string& program) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  base::UniqueFd read_end(ends[0]);
  base::UniqueFd write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string name = program, flag = "--version";
  char* argv[] = {name.data(), flag.data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, program.c_str(), &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  write_end.Reset();
  if (error != 0) return {};
  pollfd poll{read_end.get(), POLLIN, 0};
  if (::poll(&poll, 1, 5000) <= 0) ::kill(pid, SIGKILL);
  const auto text = base::ReadFd(read_end.get(), 64 * 1024, program);
  ::waitpid(pid, nullptr, 0);
  return text.ok() ? text->substr(0, text->find('\n')) : std::string();
}

std::vector<Check> CheckNode(const EmbeddedOptions& options) {
  std::vector<Check> out = {CheckRoot(), CheckKernel(), CheckUserNamespaces(), CheckCgroups()};
  for (Check& check : CheckContainerd(options)) out.push_back(std::move(check));
  for (const RuntimeClassInfo& info : RuntimeClasses()) {
    out.push_back(CheckRuntimeClass(info, options.default_class));
  }
  return out;
}

}  // namespace vortex::sandbox
