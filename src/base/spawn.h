// SPDX-License-Identifier: Apache-2.0
// Starts programs and forked helpers. Free of third-party code. For single-threaded programs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vortex::base {

struct SpawnOptions {
  std::string program;  // path; argv[0] may differ
  std::vector<std::string> argv;
  std::vector<std::string> env;  // "KEY=value"; the whole environment
  std::string cwd;               // empty: as the caller's
  // Descriptors of ours that become the child's 0, 1, 2, … in this order; -1 is /dev/null. Every
  // other descriptor must be CLOEXEC.
  std::vector<int> fds;
  bool die_with_parent = false;  // SIGKILL when the parent's thread ends
  bool new_session = false;
  // Effective and saved uid and gid, no other groups, with all capabilities kept and ambient; the
  // real ids stay. For a program that makes user namespaces of this id.
  std::optional<std::uint32_t> effective_id;
};

// vfork and execve, with an empty signal mask and default dispositions. The caller reaps.
//   Errors  those of vfork, open(/dev/null), chdir, dup2 and execve, with the step's name.
Result<pid_t> Spawn(const SpawnOptions& options);

// Forks and runs `body` in the child, which then ends with its return value (0-255) and nothing of
// the parent's: no exit handlers, no descriptors but 0-2 and `keep_fds`.
Result<pid_t> ForkHelper(const std::vector<int>& keep_fds, const std::function<int()>& body);

// Closes everything from 3 up but `keep_fds`.
void CloseOthers(std::vector<int> keep_fds);

// The first executable of that name in `path` (colon-separated; empty parts skipped). A name with a
// '/' is returned as it is when it is executable.
std::optional<std::string> FindProgram(std::string_view name, std::string_view path);

}  // namespace vortex::base
