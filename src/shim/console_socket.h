// SPDX-License-Identifier: Apache-2.0
// The socket over which an OCI runtime hands over the master of a new terminal (OCI runtime-spec,
// console socket).
#pragma once

#include <string>

#include "base/event_loop.h"
#include "base/task.h"
#include "base/unique_fd.h"
#include "shim/status.h"

namespace vortex::shim {

class ConsoleSocket {
 public:
  explicit ConsoleSocket(base::EventLoop* loop) : loop_(loop), received_(loop) {}
  ~ConsoleSocket();

  // Makes a private directory and listens in it.
  Status Listen();
  const std::string& path() const { return path_; }
  // Waits, 30 s at most, for the one descriptor. Non-blocking and close-on-exec.
  base::Task<Status> Receive(base::UniqueFd* master);

 private:
  void OnConnect();
  void OnMessage();

  base::EventLoop* loop_;
  std::string dir_;
  std::string path_;
  base::UniqueFd listener_;
  base::UniqueFd peer_;
  base::UniqueFd master_;
  base::EventLoop::Watch watch_;
  base::Event received_;
};

}  // namespace vortex::shim
