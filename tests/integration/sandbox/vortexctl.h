// SPDX-License-Identifier: Apache-2.0
// vortexctl as its users run it: a process with arguments, an environment, signals and an exit
// code.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "sandbox/embedded_runner.h"

namespace vortex::testing {

struct Ended {
  int exit_code = -1;  // 128 + n when a signal ended it
  std::string out;
  std::string err;
};

class Vortexctl {
 public:
  // Starts it against the node of `options`. `uid` other than 0: as that user.
  Vortexctl(const sandbox::EmbeddedOptions& options, std::vector<std::string> args,
            unsigned uid = 0);
  // Kills it if it still runs.
  ~Vortexctl();

  void Signal(int signal) const;
  // True when it ended within that time.
  bool EndsWithin(std::chrono::milliseconds timeout) const;
  Ended Wait();

 private:
  std::string dir_;
  int pid_ = -1;
  base::UniqueFd pidfd_;
};

inline Ended RunVortexctl(const sandbox::EmbeddedOptions& options, std::vector<std::string> args) {
  return Vortexctl(options, std::move(args)).Wait();
}

}  // namespace vortex::testing
