// SPDX-License-Identifier: Apache-2.0
// Runs the OCI runtime's command line for one container and turns its failures into messages.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/child_reaper.h"
#include "base/task.h"
#include "shim/runtime_driver.h"
#include "shim/runtime_options.h"
#include "shim/status.h"

namespace vortex::shim {

// One call: the words after the global ones.
struct RuntimeCall {
  std::string verb;
  std::vector<std::string> args;
  // The container's 0, 1, 2 for create, exec and restore; -1 is /dev/null. Without it the runtime's
  // own output is captured and used for error texts.
  bool has_stdio = false;
  int stdio[3] = {-1, -1, -1};
  std::string input;  // stdin, when not has_stdio
  // Who the runtime is while it keeps all of root's capabilities: runsc with --network=host starts
  // its sentry as whoever it is itself, and only an id of the job's user namespace has power there.
  std::optional<std::uint32_t> effective_id;
  // 0: none. Past it the program and its children are killed, and the call is DeadlineExceeded.
  std::chrono::milliseconds limit{0};
  std::string log_name = "log.json";  // in the bundle; calls that overlap need different ones
};

// For forced deletes, whose caller can do nothing more, and for ordinary ones.
inline constexpr std::chrono::milliseconds kForceLimit{10'000};
inline constexpr std::chrono::milliseconds kDeleteLimit{30'000};

// "delete --force", with its limit.
RuntimeCall ForcedDelete(const std::string& id);

class RuntimeCli {
 public:
  RuntimeCli(base::ChildReaper* reaper, std::string bundle, std::string name_space,
             const RuntimeOptions& options, std::vector<std::string> extra_flags);

  // Runs it to its end. On failure the message is "OCI runtime <verb> failed: <what the runtime
  // said>". `output` (may be null) gets what it printed, at most 64 KiB, when not has_stdio.
  base::Task<Status> Run(RuntimeCall call, std::string* output);

  // Kills every call that is under way.
  void Abort();

  const RuntimeDriver& driver() const { return *driver_; }
  const std::string& binary() const { return binary_; }
  // <root>/<namespace>: where the runtime keeps its state.
  const std::string& root() const { return root_; }
  // It is runc itself, not a program that behaves like it and may have a `start` of its own.
  bool is_plain_runc() const;

  // The words before the verb; for `delete`, which has no loop.
  static std::vector<std::string> GlobalArgs(const std::string& binary, const std::string& root,
                                             const std::string& log, bool systemd_cgroup);
  static std::string RootFor(const RuntimeOptions& options, const RuntimeDriver& driver,
                             const std::string& name_space);

 private:
  std::string FailureText(const std::string& log_path, const std::string& output,
                          base::ChildExit exit) const;

  base::ChildReaper* reaper_;
  std::string bundle_;
  std::string binary_;
  const RuntimeDriver* driver_;
  std::string root_;
  bool systemd_cgroup_;
  std::vector<std::string> extra_flags_;
  std::set<pid_t> running_;
};

// The environment for programs we start: ours without NOTIFY_SOCKET.
std::vector<std::string> RuntimeEnv();
// The "msg" of the last error line of a runtime's JSON log; empty when there is none.
std::string LastLoggedError(std::string_view log);

}  // namespace vortex::shim
