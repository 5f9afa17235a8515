// SPDX-License-Identifier: Apache-2.0
// The three streams of one process, from the client's names to what the runtime gets as 0, 1 and 2.
//
// Direct: the FIFO itself is handed over; nothing passes through the shim. For a container's first
// process: nothing of the container outlives it, so the stream ends with it. Relayed: the process
// gets pipes and the shim moves bytes. For execs (a daemonised child would keep a direct FIFO open
// for ever), for terminals, and for runtimes that change the owner of what they are given.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/child_reaper.h"
#include "base/task.h"
#include "shim/console_socket.h"
#include "shim/relay.h"
#include "shim/stdio_target.h"

namespace vortex::shim {

struct IoRequest {
  std::string container_id;
  std::string name_space;
  bool terminal = false;
  std::string in;
  std::string out;
  std::string err;
  bool relay = false;
  std::uint32_t uid = 0;  // owner that pipes and FIFOs get, when not 0
  std::uint32_t gid = 0;
};

class ProcessIo {
 public:
  ProcessIo(base::EventLoop* loop, base::ChildReaper* reaper, IoRequest request);
  ~ProcessIo();
  ProcessIo(const ProcessIo&) = delete;
  ProcessIo& operator=(const ProcessIo&) = delete;

  // Opens everything; starts a logger and waits until it is ready.
  base::Task<Status> Open();
  // What the runtime gets; -1 is /dev/null. Not for terminals.
  void ChildFds(int fds[3]) const;
  // For terminals: the argument of --console-socket; empty otherwise.
  std::string console_socket() const { return console_ ? console_->path() : std::string(); }
  // After the runtime's create or exec: closes our copies of the process's ends; takes the
  // terminal.
  base::Task<Status> Started();

  void CloseStdin();
  Status Resize(std::uint32_t width, std::uint32_t height);
  // The process is gone: the terminal brings no more.
  void ProcessExited();
  // Lets relays and loggers finish: while bytes move, at most 8 s in all and 2 s without progress.
  base::Task<void> Drain();
  // Bytes that went through a relay on stdout (1) and stderr (2); -1 when the stream did not pass
  // here.
  std::int64_t RelayedBytes(int stream) const;

 private:
  struct Stream {
    OutputEnd direct;           // handed over as it is
    base::UniqueFd pipe_read;   // relayed: our end
    base::UniqueFd pipe_write;  // relayed: the process's end
    OutputEnd sink;
    std::unique_ptr<Relay> relay;
  };

  Status OpenOutputs();
  Status OpenOneOutput(const StdioUri& uri, Stream* stream);
  Status OpenStdin();
  base::Task<Status> StartLogger(const StdioUri& uri);
  void StartOutputRelay(Stream* stream, RelayKind kind, base::UniqueFd source);
  bool RelaysEnded() const;
  std::uint64_t RelayedTotal() const;
  void Chown(int fd) const;

  base::EventLoop* loop_;
  base::ChildReaper* reaper_;
  IoRequest request_;
  std::unique_ptr<ConsoleSocket> console_;
  base::UniqueFd master_;
  Stream out_;
  Stream err_;
  bool err_is_out_ = false;
  InputEnd stdin_;
  base::UniqueFd stdin_pipe_read_;
  base::UniqueFd stdin_pipe_write_;
  std::unique_ptr<Relay> stdin_relay_;
  pid_t logger_ = 0;
  std::shared_ptr<base::Event> logger_done_;
  std::unique_ptr<base::Event> relays_done_;
};

}  // namespace vortex::shim
