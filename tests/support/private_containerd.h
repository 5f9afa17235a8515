// SPDX-License-Identifier: Apache-2.0
// A containerd of a test's own: root, state and socket below a new directory in /tmp. Nothing of an
// installed containerd is read or written, except that the shims of containerd 1.6 keep their
// sockets and runc its state below /run/containerd, whatever they are told; what is ours there is
// removed again.
//
//   SKIP_WITHOUT_CONTAINERD();
//   VX_ASSERT_OK_AND_ASSIGN(auto containerd, PrivateContainerd::Start());
//   client::Client::Connect({.address = containerd->address()});
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace vortex::testing {

// Empty when a private containerd can be started here, else why not ("not root", "runc is not
// installed").
std::string WhyNoContainerd();

// Not thread-safe. Start and Restart belong to a thread that lives as long as this object:
// containerd is killed when the thread that started it ends (PR_SET_PDEATHSIG, prctl(2)).
class PrivateContainerd {
 public:
  // Returns when containerd accepts connections, within 30 s.
  static absl::StatusOr<std::unique_ptr<PrivateContainerd>> Start();
  PrivateContainerd(const PrivateContainerd&) = delete;
  PrivateContainerd& operator=(const PrivateContainerd&) = delete;
  // Kills containerd, its shims and their containers, unmounts and removes everything. When the
  // test program dies without it, a janitor process does the same.
  ~PrivateContainerd();

  // SIGTERM, wait, start again; only the start when it is dead already. Shims go on running.
  absl::Status Restart();
  // SIGKILL, and waits until it is dead. Shims go on running.
  void Kill9();
  // SIGSTOP and SIGCONT: a containerd that accepts connections and does not answer.
  void Freeze();
  void Thaw();

  pid_t pid() const { return pid_; }  // -1 when it does not run
  const std::string& dir() const { return dir_; }
  std::string address() const { return dir_ + "/c.sock"; }
  std::string root_dir() const { return dir_ + "/root"; }
  std::string state_dir() const { return dir_ + "/state"; }
  // The last 4 KiB of what containerd has logged.
  std::string Log() const;

 private:
  explicit PrivateContainerd(std::string dir) : dir_(std::move(dir)) {}
  absl::Status WriteConfig() const;
  absl::Status StartJanitor();
  absl::Status Spawn();
  absl::Status AwaitSocket();
  void Signal(int signal);
  // False when it is still alive after `timeout_ms`.
  bool AwaitDeath(int timeout_ms);

  const std::string dir_;
  pid_t pid_ = -1;
  base::UniqueFd pidfd_;
  // The janitor cleans up when this end of its pipe is closed without a word.
  base::UniqueFd janitor_;
  pid_t janitor_pid_ = -1;
};

}  // namespace vortex::testing

#define SKIP_WITHOUT_CONTAINERD()                                                   \
  do {                                                                              \
    if (const std::string why = ::vortex::testing::WhyNoContainerd(); !why.empty()) \
      GTEST_SKIP() << "no private containerd: " << why;                             \
  } while (false)
