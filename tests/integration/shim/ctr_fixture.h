// SPDX-License-Identifier: Apache-2.0
// A private containerd that finds the shim under test, and ctr to drive it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/private_containerd.h"

namespace vortex::shim::testing {

struct Output {
  int code = -1;     // as of the shell: 0-255
  std::string text;  // stdout and stderr
};
// Runs a shell command.
Output Shell(const std::string& command);
// Runs a shell command with a terminal of its own as stdin, stdout and stderr, for 60 s at most;
// code 124 when it had to be killed. Not script(1): it depends on $SHELL, and stops itself together
// with its child.
Output ShellOnTerminal(const std::string& command);

class CtrTest : public ::testing::Test {
 protected:
  void SetUp() override;
  // Everything must be gone: shims, sockets, mounts, cgroups, and no sanitizer may have spoken.
  void TearDown() override;

  // `ctr -a … -n …` and the words.
  Output Ctr(const std::string& words);
  std::string CtrCommand(const std::string& words) const;
  // `ctr run` with our runtime and the payload's rootfs; `flags` go before, `words` are the
  // payload's.
  Output Run(const std::string& flags, const std::string& id, const std::string& words);
  std::string RunCommand(const std::string& flags, const std::string& id,
                         const std::string& words) const;

  // State of a task as `ctr task ls` says, empty when it is not there.
  std::string StateOf(const std::string& id);
  // Polls until `condition` holds, 20 s at most.
  template <typename Condition>
  bool Until(Condition condition) {
    for (int i = 0; i < 400; ++i) {
      if (condition()) return true;
      Pause();
    }
    return false;
  }
  // Pids of shims of this containerd.
  std::vector<int> Shims() const;
  int ShimOf(const std::string& id) const;
  // Where the shim of a container (or group) listens.
  std::string SocketOf(const std::string& id) const;
  // Pid of a task's first process as `ctr task ls` says; 0 when there is none.
  int InitOf(const std::string& id);
  // An options file for `ctr run --runtime-config-path` naming a runtime that runs `script` (sh;
  // its words are "$@") and then runc with the same words. Called runc-*, so it counts as runc.
  std::string WrappedRunc(const std::string& script) const;
  std::string NameSpace() const { return name_space_; }
  std::string Dir() const { return containerd_->dir(); }
  vortex::testing::PrivateContainerd& containerd() { return *containerd_; }

  // For tests of crowds: the shim that users run when it is built, as a sanitized one takes ten
  // times the memory and start-up. To be called before SetUp(); false when there is none.
  bool PreferReleaseShim();
  // The shim that containerd finds; to be changed before SetUp().
  std::string shim_ = VORTEX_SHIM;
  std::string runtime_ = "io.containerd.vortex.v2";

 private:
  static void Pause();

  std::unique_ptr<vortex::testing::PrivateContainerd> containerd_;
  std::string name_space_;
  std::string rootfs_;
};

// A number in /proc/<pid>/status or smaps_rollup, in kB.
long ProcKb(int pid, const std::string& file, const std::string& key);
int CountFds(int pid);

}  // namespace vortex::shim::testing
