// SPDX-License-Identifier: Apache-2.0
#include "integration/shim/ctr_fixture.h"

#include <dirent.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "shim/files.h"
#include "shim/rootfs_mounts.h"
#include "shim/socket_path.h"
#include "support/processes.h"
#include "support/sanitizer_reports.h"

namespace vortex::shim::testing {
namespace {

using vortex::testing::AllPids;
using vortex::testing::CommandLine;

}  // namespace

Output Shell(const std::string& command) {
  Output output;
  FILE* pipe = ::popen(("( " + command + "\n) < /dev/null 2>&1").c_str(), "re");
  if (pipe == nullptr) return output;
  char buffer[4096];
  std::size_t count = 0;
  while ((count = ::fread(buffer, 1, sizeof buffer, pipe)) > 0) output.text.append(buffer, count);
  const int status = ::pclose(pipe);
  output.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

Output ShellOnTerminal(const std::string& command) {
  Output output;
  int master = -1;
  const pid_t child = ::forkpty(&master, nullptr, nullptr, nullptr);
  if (child < 0) return output;
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  const vortex::base::UniqueFd terminal(master);
  const int64_t deadline = NowUnixNs() + 60'000'000'000;
  pollfd readable{master, POLLIN, 0};
  char buffer[4096];
  while (NowUnixNs() < deadline) {
    if (::poll(&readable, 1, 100) == 0) continue;
    const ssize_t count = ::read(master, buffer, sizeof buffer);
    if (count <= 0) break;  // EIO: nobody has the terminal open any more
    output.text.append(buffer, static_cast<std::size_t>(count));
  }
  const bool late = NowUnixNs() >= deadline;
  if (late) ::kill(-child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  output.code = late ? 124 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

void CtrTest::Pause() {
  const timespec pause{0, 50'000'000};
  ::nanosleep(&pause, nullptr);
}

void CtrTest::SetUp() {
  SKIP_WITHOUT_CONTAINERD();
  // containerd looks for shims in its PATH.
  const std::string path = ::getenv("PATH");
  const std::string dir = shim_.substr(0, shim_.rfind('/'));
  if (!path.starts_with(dir)) ::setenv("PATH", (dir + ":" + path + ":/usr/sbin:/sbin").c_str(), 1);
  vortex::testing::CollectSanitizerReports();
  auto started = vortex::testing::PrivateContainerd::Start();
  ASSERT_TRUE(started.ok()) << std::string(started.status().message());
  containerd_ = std::move(*started);
  static int counter = 0;
  name_space_ = "shim-" + std::to_string(::getpid()) + "-" + std::to_string(++counter);
  rootfs_ = Dir() + "/rootfs";
  ::mkdir(rootfs_.c_str(), 0755);
  const Output copy = Shell("cp " VORTEX_TEST_PAYLOAD " " + rootfs_ + "/work");
  ASSERT_EQ(copy.code, 0) << copy.text;
}

void CtrTest::TearDown() {
  if (!containerd_) return;
  EXPECT_TRUE(Until([this] { return Shims().empty(); })) << "a shim is left: " << [this] {
    std::string text;
    for (const int pid : Shims()) {
      const std::string proc = "/proc/" + std::to_string(pid);
      text += CommandLine(pid) + "\n" +
              Shell("ls -l " + proc + "/cwd " + proc +
                    "/fd; ss -xp | grep 'pid=" + std::to_string(pid) + ",'")
                  .text;
    }
    return text;
  }();
  EXPECT_EQ(Shell("ls -d /sys/fs/cgroup/*/" + name_space_ + "/* /sys/fs/cgroup/" + name_space_ +
                  "/* 2>/dev/null | xargs -r -n1 sh -c 'test -d $0 && echo $0'")
                .text,
            "")
      << "cgroups are left";
  EXPECT_FALSE(AnyMountAt(Dir() + "/state/io.containerd.runtime.v2.task")) << "mounts are left";
  for (const char* top : {"/state", "/root"}) {
    // containerd runs `delete` and removes the bundle after the shim's end has been seen.
    const std::string bundles =
        "ls -A " + Dir() + top + "/io.containerd.runtime.v2.task/" + name_space_ + " 2>/dev/null";
    EXPECT_TRUE(Until([&] { return Shell(bundles).text.empty(); }))
        << "bundles are left: " << Shell(bundles).text;
  }
  for (const char* root :
       {"/run/containerd/runc/", "/run/containerd/runsc/", "/run/containerd/crun/"}) {
    EXPECT_EQ(Shell("ls " + (root + name_space_) + " 2>/dev/null | grep -v lock").text, "") << root;
    ::rmdir((root + name_space_).c_str());
  }
  Shell("rmdir /sys/fs/cgroup/*/" + name_space_);
  EXPECT_EQ(vortex::testing::TakeSanitizerReports(), "");
  if (HasFailure()) printf("%s\n", containerd_->Log().c_str());
}

std::string CtrTest::CtrCommand(const std::string& words) const {
  return "timeout --foreground 60 ctr -a " + containerd_->address() + " -n " + name_space_ + " " +
         words;
}

Output CtrTest::Ctr(const std::string& words) { return Shell(CtrCommand(words)); }

std::string CtrTest::RunCommand(const std::string& flags, const std::string& id,
                                const std::string& words) const {
  return CtrCommand("run --runtime " + runtime_ + " " + flags + " --rootfs " + rootfs_ + " " + id +
                    " /work " + words);
}

Output CtrTest::Run(const std::string& flags, const std::string& id, const std::string& words) {
  return Shell(RunCommand(flags, id, words));
}

std::string CtrTest::StateOf(const std::string& id) {
  const Output list = Ctr("task ls");
  std::string_view rest = list.text;
  while (!rest.empty()) {
    const std::string_view line = NextLine(&rest);
    if (!line.starts_with(id + " ")) continue;
    const std::string_view trimmed = Trim(line);
    return std::string(trimmed.substr(trimmed.rfind(' ') + 1));
  }
  return "";
}

std::vector<int> CtrTest::Shims() const {
  std::vector<int> shims;
  for (const int pid : AllPids()) {
    const std::string line = CommandLine(pid);
    if (line.find("containerd-shim-") != std::string::npos &&
        line.find("-address " + containerd_->address()) != std::string::npos) {
      shims.push_back(pid);
    }
  }
  return shims;
}

int CtrTest::ShimOf(const std::string& id) const {
  for (const int pid : Shims()) {
    if (CommandLine(pid).find("-id " + id + " ") != std::string::npos) return pid;
  }
  return 0;
}

std::string CtrTest::SocketOf(const std::string& id) const {
  return SocketPath(kSocketDir, containerd_->address(), name_space_, id);
}

int CtrTest::InitOf(const std::string& id) {
  return ::atoi(
      Shell(CtrCommand("task ls") + " | awk '$1 == \"" + id + "\" {print $2}'").text.c_str());
}

std::string CtrTest::WrappedRunc(const std::string& script) const {
  const std::string fake = Dir() + "/runc-wrapped";
  EXPECT_EQ(WriteFileAtomic(fake, "#!/bin/sh\n" + script + "\nexec runc \"$@\"\n", 0755), 0);
  const std::string toml = Dir() + "/wrapped.toml";
  EXPECT_EQ(WriteFileAtomic(toml, "binary_name = \"" + fake + "\"\n", 0644), 0);
  return "--runtime-config-path " + toml;
}

bool CtrTest::PreferReleaseShim() {
  if (::access(VORTEX_RELEASE_SHIM, X_OK) != 0) return false;
  shim_ = VORTEX_RELEASE_SHIM;
  return true;
}

long ProcKb(int pid, const std::string& file, const std::string& key) {
  const auto text = ReadFile("/proc/" + std::to_string(pid) + "/" + file, 1 << 16);
  std::string_view rest = text ? *text : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = NextLine(&rest);
    if (line.starts_with(key + ":"))
      return static_cast<long>(ParseNumber(line.substr(key.size() + 1)).value_or(0));
  }
  return -1;
}

int CountFds(int pid) {
  int count = 0;
  DIR* listing = ::opendir(("/proc/" + std::to_string(pid) + "/fd").c_str());
  if (listing == nullptr) return -1;
  while (const dirent* entry = ::readdir(listing)) count += entry->d_name[0] != '.';
  ::closedir(listing);
  return count;
}

}  // namespace vortex::shim::testing
