// SPDX-License-Identifier: Apache-2.0
#include "shim/runtime_cli.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/json_reader.h"
#include "base/spawn.h"
#include "base/unique_fd.h"
#include "shim/files.h"
#include "shim/log.h"

namespace vortex::shim {
namespace {

constexpr std::size_t kMaxOutput = 64 << 10;

// Output goes to memory, not through a pipe: no reader is needed, and a size seal bounds what a
// broken runtime can make us hold.
base::UniqueFd OutputFile() {
  base::UniqueFd fd(::memfd_create("runtime-output", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd && ::ftruncate(fd.get(), kMaxOutput) == 0)
    ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK);
  return fd;
}

std::string WrittenSoFar(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_CUR);
  return size > 0 ? ReadFd(fd, static_cast<std::size_t>(size)) : std::string();
}

base::UniqueFd InputFile(const std::string& input) {
  if (input.empty()) return base::UniqueFd();
  base::UniqueFd fd(::memfd_create("runtime-input", MFD_CLOEXEC));
  if (fd && ::write(fd.get(), input.data(), input.size()) >= 0) ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

}  // namespace

std::vector<std::string> RuntimeEnv() {
  std::vector<std::string> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, "NOTIFY_SOCKET=", 14) != 0) env.emplace_back(*entry);
  }
  return env;
}

std::string LastLoggedError(std::string_view log) {
  std::string last;
  while (!log.empty()) {
    const std::string_view line = NextLine(&log);
    std::string level;
    std::string message;
    base::JsonReader json(line);
    json.Object([&](std::string_view key) {
      if (key == "level") {
        level = json.String();
      } else if (key == "msg") {
        message = json.String();
      } else {
        json.Skip();
      }
    });
    if (json.Finish() && (level == "error" || level == "fatal") && !message.empty())
      last = std::move(message);
  }
  return last;
}

std::string RuntimeCli::RootFor(const RuntimeOptions& options, const RuntimeDriver& driver,
                                const std::string& name_space) {
  const std::string root = options.root.empty() ? std::string(driver.default_root) : options.root;
  return root + "/" + name_space;
}

std::vector<std::string> RuntimeCli::GlobalArgs(const std::string& binary, const std::string& root,
                                                const std::string& log, bool systemd_cgroup) {
  // Values as words of their own: containerd's test wrappers look for "--log" that way.
  std::vector<std::string> args = {binary, "--root", root, "--log", log, "--log-format", "json"};
  if (systemd_cgroup) args.emplace_back("--systemd-cgroup");
  return args;
}

RuntimeCall ForcedDelete(const std::string& id) {
  RuntimeCall call;
  call.verb = "delete";
  call.args = {"--force", id};
  call.limit = kForceLimit;
  return call;
}

RuntimeCli::RuntimeCli(base::ChildReaper* reaper, std::string bundle, std::string name_space,
                       const RuntimeOptions& options, std::vector<std::string> extra_flags)
    : reaper_(reaper),
      bundle_(std::move(bundle)),
      binary_(options.binary_name.empty() ? "runc" : options.binary_name),
      driver_(&DriverFor(options, binary_)),
      root_(RootFor(options, *driver_, name_space)),
      systemd_cgroup_(options.systemd_cgroup),
      extra_flags_(std::move(extra_flags)) {
  extra_flags_.insert(extra_flags_.end(), options.runtime_flags.begin(),
                      options.runtime_flags.end());
}

base::Task<Status> RuntimeCli::Run(RuntimeCall call, std::string* output) {
  const char* path = ::getenv("PATH");
  const auto program = base::FindProgram(binary_, path != nullptr ? path : "");
  const std::string prefix = "OCI runtime " + call.verb + " failed: ";
  if (!program) {
    co_return Error(Code::kUnknown, prefix + "exec: \"" + binary_ + "\": " +
                                        (binary_.find('/') == std::string::npos
                                             ? "executable file not found in $PATH"
                                             : "no such executable file"));
  }
  const std::string log = bundle_ + "/" + call.log_name;
  // Runtimes append; what an earlier call said must not explain this one.
  if (::truncate(log.c_str(), 0) != 0 && errno != ENOENT)
    Log(Level::kWarning, {"truncate ", log, " failed"});

  base::SpawnOptions spawn;
  spawn.program = *program;
  spawn.argv = GlobalArgs(binary_, root_, log, systemd_cgroup_);
  spawn.argv.insert(spawn.argv.end(), extra_flags_.begin(), extra_flags_.end());
  spawn.argv.push_back(call.verb);
  spawn.argv.insert(spawn.argv.end(), call.args.begin(), call.args.end());
  spawn.env = RuntimeEnv();
  spawn.cwd = bundle_;
  spawn.die_with_parent = true;
  spawn.effective_id = call.effective_id;
  base::UniqueFd out;
  base::UniqueFd in;
  if (call.has_stdio) {
    spawn.fds.assign(call.stdio, call.stdio + 3);
  } else {
    out = OutputFile();
    in = InputFile(call.input);
    spawn.fds = {in ? in.get() : -1, out.get(), out.get()};
  }
  // A group of its own, to be killed with whatever it has started.
  spawn.new_session = call.limit.count() > 0;
  const base::Result<pid_t> pid = base::Spawn(spawn);
  if (!pid.ok()) co_return FromErrno(prefix + binary_, pid.error());
  running_.insert(pid.value());
  bool late = false;
  base::EventLoop::Timer timer;
  if (call.limit.count() > 0) {
    timer = reaper_->loop()->After(call.limit, [&late, leader = pid.value()] {
      late = true;
      ::kill(-leader, SIGKILL);
    });
  }
  const base::ChildExit exit = co_await reaper_->Wait(pid.value());
  running_.erase(pid.value());
  if (late) {
    co_return Error(Code::kDeadlineExceeded, prefix + binary_ + " did not end within " +
                                                 std::to_string(call.limit.count() / 1000) +
                                                 " s and was killed: deadline exceeded");
  }
  const std::string text = out ? WrittenSoFar(out.get()) : std::string();
  if (output != nullptr) *output = text;
  if (exit.wait_status == 0) co_return Ok();
  co_return Error(Code::kUnknown, prefix + FailureText(log, text, exit));
}

std::string RuntimeCli::FailureText(const std::string& log_path, const std::string& output,
                                    base::ChildExit exit) const {
  if (WIFSIGNALED(exit.wait_status)) {
    return binary_ + " was killed by signal " + std::to_string(WTERMSIG(exit.wait_status));
  }
  if (const auto log = ReadFile(log_path, 1 << 20)) {
    std::string message = LastLoggedError(*log);
    if (!message.empty()) return message;
  }
  const std::string_view said = Trim(output);
  if (!said.empty()) return std::string(said.substr(0, 4096));
  return binary_ + " ended with status " + std::to_string(exit.Code()) + " and said nothing";
}

bool RuntimeCli::is_plain_runc() const {
  return driver_->name == "runc" && binary_.substr(binary_.rfind('/') + 1) == "runc";
}

void RuntimeCli::Abort() {
  for (const pid_t pid : running_) ::kill(pid, SIGKILL);
}

}  // namespace vortex::shim
