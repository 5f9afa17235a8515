// SPDX-License-Identifier: Apache-2.0
// What one invocation of the shim does. Each returns the exit status.
#pragma once

#include <span>
#include <string>

#include "base/unique_fd.h"
#include "shim/args.h"
#include "shim/runtime_options.h"

namespace vortex::shim {

// Where argv lies in memory, for rewriting what ps shows.
struct ArgvArea {
  char* begin = nullptr;
  std::size_t size = 0;
};

// Makes the socket, forks the serving process and prints its address; or finds the group's live
// shim.
int RunStart(const Args& args, const ArgvArea& argv);
// Cleans up a bundle whose shim is gone; prints a DeleteResponse.
int RunDelete(const Args& args);
// Prints a RuntimeInfo for the options on stdin.
int RunInfo();

struct ServeOptions {
  Args args;
  std::string group;
  std::string socket_path;
  std::string ttrpc_address;
  RuntimeOptions options;
};
// The serving process's life; cwd is the bundle.
int Serve(ServeOptions options, base::UniqueFd listener);

// stdin, at most 10 MiB; nothing from a terminal.
std::string ReadStdin();

}  // namespace vortex::shim
