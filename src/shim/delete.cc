// SPDX-License-Identifier: Apache-2.0
// The `delete` action: containerd runs it whenever a shim's connection ends, cleanly or not.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/spawn.h"
#include "containerd/task/v2/shim.pb.h"
#include "shim/actions.h"
#include "shim/cgroup.h"
#include "shim/files.h"
#include "shim/kata.h"
#include "shim/names.h"
#include "shim/oci_config.h"
#include "shim/rootfs_mounts.h"
#include "shim/runtime_cli.h"
#include "shim/runtime_driver.h"
#include "shim/socket_path.h"
#include "shim/timestamps.h"

namespace vortex::shim {
namespace {

void Warn(const std::string& message) {
  const std::string line = message + "\n";
  [[maybe_unused]] const ssize_t ignored = ::write(2, line.data(), line.size());
}

// Runs the runtime's forced delete, 3 s at most: containerd gives this whole action 5. The members
// of one sandbox are cleaned up at the same time, in each other's way: `again` for a second try.
void ForceDelete(const std::string& binary, const std::string& root, const RuntimeOptions& options,
                 const std::string& bundle, const std::string& id) {
  const char* path = ::getenv("PATH");
  const auto program = base::FindProgram(binary, path != nullptr ? path : "");
  if (!program) return Warn("delete: runtime " + binary + " not found");
  base::SpawnOptions spawn;
  spawn.program = *program;
  spawn.argv = RuntimeCli::GlobalArgs(binary, root, bundle + "/log.json", options.systemd_cgroup);
  spawn.argv.insert(spawn.argv.end(), {"delete", "--force", id});
  spawn.env = RuntimeEnv();
  spawn.cwd = bundle;
  spawn.fds = {-1, -1, -1};
  spawn.new_session = true;
  const auto pid = base::Spawn(spawn);
  if (!pid.ok()) return Warn(FromErrno("delete: " + binary, pid.error()).message);
  for (int tick = 0; tick < 300; ++tick) {
    int status = 0;
    if (::waitpid(pid.value(), &status, WNOHANG) == pid.value()) {
      if (status != 0) Warn("delete: " + binary + " delete --force " + id + " failed");
      return;
    }
    const timespec pause{0, 10'000'000};
    ::nanosleep(&pause, nullptr);
  }
  ::kill(-pid.value(), SIGKILL);
  ::waitpid(pid.value(), nullptr, 0);
  Warn("delete: " + binary + " delete --force " + id + " took more than 3 s and was killed");
}

// Other containers in the sandbox `id`, by runsc's names for their state. They go first: of one
// whose sandbox is taken away meanwhile, runsc forgets the cgroup. containerd runs this action for
// each of them as well, at the same time, or (2.x, version 3 of the protocol) for none.
std::vector<std::string> MembersOf(const std::string& root, const std::string& id) {
  std::vector<std::string> members;
  const std::string suffix = "_sandbox:" + id + ".state";
  DIR* listing = ::opendir(root.c_str());
  if (listing == nullptr) return members;
  while (const dirent* entry = ::readdir(listing)) {
    const std::string_view name = entry->d_name;
    if (!name.ends_with(suffix)) continue;
    std::string member(name.substr(0, name.size() - suffix.size()));
    if (member != id && ValidName(member)) members.push_back(std::move(member));
  }
  ::closedir(listing);
  return members;
}

}  // namespace

int RunDelete(const Args& args) {
  std::string bundle = args.bundle;
  if (bundle.empty()) {
    char cwd[4096];
    if (::getcwd(cwd, sizeof cwd) == nullptr) return 1;
    // The target is the sibling named by -id.
    bundle = cwd;
    if (!args.id.empty()) bundle = bundle.substr(0, bundle.rfind('/')) + "/" + args.id;
  }
  const auto config = ReadOciConfig(bundle);
  if (config) HandOverToKata(*config, bundle, /*starting=*/false);

  const RuntimeOptions options =
      RuntimeOptions::FromJson(ReadFile(bundle + "/options.json", 1 << 20).value_or("{}"));
  const std::string binary(Trim(ReadFile(bundle + "/runtime", 4096).value_or("")));
  const auto pid_text = ReadFile(bundle + "/init.pid", 64);
  const auto pid = pid_text ? ParseNumber(*pid_text).value_or(0) : 0;
  if (!binary.empty() && ValidName(args.id)) {
    const std::string root =
        RuntimeCli::RootFor(options, DriverFor(options, binary), args.name_space);
    // After an orderly end the runtime has forgotten the container, and there is nothing to run it
    // for.
    if (::access((root + "/" + args.id).c_str(), F_OK) == 0 ||
        DriverFor(options, binary).name == "runsc") {
      for (const std::string& member : MembersOf(root, args.id))
        ForceDelete(binary, root, options, bundle, member);
      ForceDelete(binary, root, options, bundle, args.id);
    }
  }
  if (AnyMountAt(bundle + "/rootfs")) {
    if (const Status status = UnmountAll(bundle + "/rootfs"); !status.ok())
      Warn("delete: " + status.message);
  }
  // A shim that was killed leaves its socket; a live one, shared by a group, is left alone.
  std::string address(Trim(ReadFile(bundle + "/address", 4096).value_or("")));
  if (address.starts_with("unix://")) {
    address.erase(0, 7);
    if (!SomebodyListens(address)) ::unlink(address.c_str());
  }
  containerd::task::v2::DeleteResponse response;
  response.set_pid(static_cast<std::uint32_t>(pid));
  response.set_exit_status(128 + SIGKILL);
  SetTime(response.mutable_exited_at(), NowUnixNs());
  const std::string bytes = response.SerializeAsString();
  return ::write(1, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) ? 0 : 1;
}

}  // namespace vortex::shim
