// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/spawn.h"
#include "shim/actions.h"
#include "shim/bootstrap_input.h"
#include "shim/files.h"
#include "shim/kata.h"
#include "shim/log.h"
#include "shim/oci_config.h"
#include "shim/socket_path.h"

namespace vortex::shim {
namespace {

int Fail(const std::string& message) {
  // containerd shows what is on stdout and stderr together.
  const std::string line = message + "\n";
  [[maybe_unused]] const ssize_t ignored = ::write(2, line.data(), line.size());
  return 1;
}

void Print(const std::string& text) {
  [[maybe_unused]] const ssize_t ignored = ::write(1, text.data(), text.size());
}

// ps and scripts look for shims by these words.
void RewriteArgv(const ArgvArea& area, const Args& args, const std::string& group) {
  std::string words;
  for (const std::string* word : {&args.name_space, &group, &args.address}) {
    if (word == &args.name_space)
      words += "containerd-shim-vortex-v2" + std::string(1, '\0') + "-namespace";
    if (word == &group) words += "-id";
    if (word == &args.address) words += "-address";
    words += '\0' + *word + '\0';
  }
  if (area.begin == nullptr || words.size() > area.size) return;
  std::memset(area.begin, 0, area.size);
  std::memcpy(area.begin, words.data(), words.size());
  const auto begin = reinterpret_cast<unsigned long>(area.begin);
  ::prctl(PR_SET_MM, PR_SET_MM_ARG_END, begin + words.size(), 0, 0);
}

// One above containerd's, so that the kernel takes the shim first; never above the most.
void SetOomScore(pid_t serve) {
  const auto text = ReadFile("/proc/" + std::to_string(::getppid()) + "/oom_score_adj", 64);
  if (!text) return;
  const int score = std::min(std::atoi(text->c_str()) + 1, 1000);
  // Refused in a user namespace.
  (void)WriteExisting("/proc/" + std::to_string(serve) + "/oom_score_adj", std::to_string(score));
}

// v1: in every hierarchy; v2: in the one.
Status JoinCgroup(const std::string& path, pid_t serve) {
  const std::string pid = std::to_string(serve);
  if (::access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0) {
    const std::string dir = "/sys/fs/cgroup" + path;
    ::mkdir(dir.c_str(), 0755);
    const int error = WriteExisting(dir + "/cgroup.procs", pid);
    return error == 0 ? Ok() : FromErrno("shim_cgroup " + dir, error);
  }
  for (const char* controller :
       {"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "net_cls",
        "net_prio", "perf_event", "hugetlb", "systemd"}) {
    const std::string base = "/sys/fs/cgroup/" + std::string(controller);
    if (::access(base.c_str(), F_OK) != 0) continue;
    const std::string dir = base + path;
    ::mkdir(dir.c_str(), 0755);
    if (const int error = WriteExisting(dir + "/cgroup.procs", pid); error != 0) {
      // An empty cpuset takes nobody until it is given CPUs.
      if (std::strcmp(controller, "cpuset") == 0) continue;
      return FromErrno("shim_cgroup " + dir, error);
    }
  }
  return Ok();
}

}  // namespace

std::string ReadStdin() {
  std::string out;
  if (::isatty(0)) return out;
  char buffer[4096];
  ssize_t count = 0;
  while (out.size() < (10 << 20) && (count = ::read(0, buffer, sizeof buffer)) > 0) {
    out.append(buffer, static_cast<std::size_t>(count));
  }
  return out;
}

int RunStart(const Args& args, const ArgvArea& argv) {
  if (args.id.empty() || args.name_space.empty())
    return Fail("start: -id and -namespace are needed");
  char cwd[4096];
  if (::getcwd(cwd, sizeof cwd) == nullptr) return Fail("start: no current directory");
  const std::string bundle = cwd;
  const auto config = ReadOciConfig(bundle);
  // Before stdin is read: another shim takes over with everything as it is.
  if (config) HandOverToKata(*config, bundle, /*starting=*/true);

  const BootstrapInput input = ParseBootstrapInput(ReadStdin(), args.id, args.name_space);
  RuntimeOptions options;
  if (Status status = DecodeOptions(input.options_type, input.options_value, &options);
      !status.ok()) {
    return Fail(status.message);
  }
  const std::string group = config ? GroupOf(*config, args.id) : args.id;
  const std::string dir = input.socket_dir.empty() ? kSocketDir : input.socket_dir;
  const std::string path = SocketPath(dir, args.address, args.name_space, group);
  const std::string address = "unix://" + path;
  base::UniqueFd listener;
  bool in_use = false;
  if (Status status = ListenOrFind(path, &listener, &in_use); !status.ok())
    return Fail(status.message);
  // Early: without this file a containerd that restarts cannot find the shim.
  if (const int error = WriteFileAtomic(bundle + "/address", address, 0644); error != 0) {
    if (!in_use) ::unlink(path.c_str());
    return Fail(FromErrno("start: " + bundle + "/address", error).message);
  }
  if (in_use) {
    Print(address);
    return 0;
  }
  // The child waits for this pipe's end: it must have no children before it is in its cgroup.
  int gate[2];
  if (::pipe2(gate, O_CLOEXEC) != 0) return Fail("start: pipe failed");
  const pid_t pid = ::fork();
  if (pid < 0) {
    ::unlink(path.c_str());
    return Fail(FromErrno("start: fork", errno).message);
  }
  if (pid == 0) {
    ::close(gate[1]);
    char byte = 0;
    const bool go = ::read(gate[0], &byte, 1) == 1;
    ::close(gate[0]);
    if (!go) ::_exit(1);
    ::setsid();
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
    // Go leaks descriptors into its children now and then.
    base::CloseOthers({listener.get()});
    RewriteArgv(argv, args, group);
    const char* ttrpc = ::getenv("TTRPC_ADDRESS");
    ServeOptions serve{args, group, path, ttrpc != nullptr ? ttrpc : input.ttrpc_address, options};
    ::_exit(Serve(std::move(serve), std::move(listener)));
  }
  ::close(gate[0]);
  if (!options.shim_cgroup.empty()) {
    if (Status status = JoinCgroup(options.shim_cgroup, pid); !status.ok()) {
      ::close(gate[1]);
      ::unlink(path.c_str());
      return Fail(status.message);
    }
  }
  SetOomScore(pid);
  [[maybe_unused]] const ssize_t ignored = ::write(gate[1], "g", 1);
  Print(address);
  return 0;
}

}  // namespace vortex::shim
