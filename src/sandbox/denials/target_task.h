// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace vortex::sandbox {

// A thread that waits for the answer to a trapped call, looked at from outside. Everything read
// here may be another value a moment later: other threads of the plugin write to the same memory.
// It is good enough to refuse a call on, and never to allow one. A thread that died meanwhile is
// found out by the answer, which then fails (seccomp_unotify(2)).
class TargetTask {
 public:
  // `tid` in our pid namespace.
  explicit TargetTask(pid_t tid) : tid_(tid) {}

  // Exactly `size` bytes, or nothing.
  std::optional<std::string> Read(std::uint64_t address, std::size_t size) const;
  // A NUL-terminated string of at most `limit` bytes, or nothing.
  std::optional<std::string> ReadString(std::uint64_t address, std::size_t limit) const;
  // Its working directory, root or the file behind one of its descriptors, as O_PATH.
  base::UniqueFd Cwd() const { return Open("cwd"); }
  base::UniqueFd Root() const { return Open("root"); }
  base::UniqueFd File(int fd) const { return Open("fd/" + std::to_string(fd)); }
  // The sockaddr that its socket is connected to; empty: none, or no socket.
  std::string PeerOf(int fd) const;

 private:
  base::UniqueFd Open(const std::string& name) const;

  pid_t tid_;
};

}  // namespace vortex::sandbox
