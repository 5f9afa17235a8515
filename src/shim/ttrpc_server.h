// SPDX-License-Identifier: Apache-2.0
// The server side of ttrpc: connections, request order per connection, answers in any order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "shim/status.h"
#include "shim/ttrpc_frame.h"

namespace vortex::shim {

// Whom to answer. Stays valid when the connection is gone: the answer is dropped then.
struct CallId {
  std::uint64_t connection = 0;
  std::uint32_t stream = 0;
};

struct Call {
  CallId id;
  std::string service;
  std::string method;
  std::string payload;
};

class TtrpcServer {
 public:
  using Handler = std::function<void(Call)>;

  // Serves `listener` until StopListening or destruction. Only peers with our own uid and gid are
  // let in.
  TtrpcServer(base::EventLoop* loop, base::UniqueFd listener, Handler handler);

  // Sends the answer to one call.
  void Reply(const CallId& call, const Status& status, std::string_view payload);
  void StopListening();
  // Every answer has left for its socket.
  bool Flushed() const;
  bool HasConnections() const { return !connections_.empty(); }
  std::size_t connections() const { return connections_.size(); }

 private:
  struct Connection {
    base::UniqueFd fd;
    base::EventLoop::Watch watch;
    FrameDecoder decoder;
    std::uint32_t last_stream = 0;
    std::string out;
    bool closing = false;
  };

  void Accept();
  void OnEvent(std::uint64_t id, std::uint32_t events);
  bool ReadInto(std::uint64_t id, Connection* connection);
  void OnFrame(std::uint64_t id, Connection* connection, Frame* frame);
  bool Write(Connection* connection);

  base::EventLoop* loop_;
  base::UniqueFd listener_;
  Handler handler_;
  base::EventLoop::Watch watch_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
};

}  // namespace vortex::shim
