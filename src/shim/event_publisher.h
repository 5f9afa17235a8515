// SPDX-License-Identifier: Apache-2.0
// Sends task events to containerd, one after the other: the head is tried until it is taken, so
// that order survives a restart of containerd.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "shim/ttrpc_frame.h"

namespace vortex::shim {

// How long it waits for what. A test divides all of it by one number.
struct EventPace {
  // Between tries when nobody listens or the connection broke; doubles each time.
  std::chrono::microseconds first_pause{50'000};
  std::chrono::microseconds longest_pause{5'000'000};
  // Without an answer this long it says so, and goes on waiting: a sink that is stopped has the
  // event already, and would get it twice.
  std::chrono::microseconds answer_late{5'000'000};
  // Then the connection is given up all the same, at the price of a second copy.
  std::chrono::microseconds answer_lost{600'000'000};

  EventPace DividedBy(int factor) const {
    return {first_pause / factor, longest_pause / factor, answer_late / factor,
            answer_lost / factor};
  }
};

class EventPublisher {
 public:
  // `address` is a unix socket path, with or without "unix://"; empty drops every event with a log
  // line.
  EventPublisher(base::EventLoop* loop, std::string address, std::string name_space,
                 EventPace pace = EventPace());

  // Queues one event. `message` is the serialized message of type `type`
  // ("containerd.events.TaskExit").
  void Publish(std::string_view topic, std::string_view type, const std::string& message);
  // The sink is known to be there: whoever has just called us runs it. Ends a pause between tries.
  void Kick();
  bool idle() const { return queue_.empty(); }
  // Called once when the queue is empty, or after `limit`.
  void Flush(std::chrono::milliseconds limit, std::function<void()> done);

 private:
  struct Item {
    std::string request;  // serialized ttrpc.Request
    bool exit = false;
    int refusals = 0;
  };

  void Pump();
  bool Connect();
  void Send();
  void OnEvent(std::uint32_t events);
  void OnReply(const Frame& frame);
  void Done();
  void WaitLonger();
  void Retry();
  void Disconnect();

  base::EventLoop* loop_;
  std::string address_;
  std::string namespace_;
  std::deque<Item> queue_;
  base::UniqueFd socket_;
  base::EventLoop::Watch watch_;
  base::EventLoop::Timer retry_;
  base::EventLoop::Timer limit_;
  FrameDecoder decoder_;
  std::string out_;
  std::uint32_t next_stream_ = 1;
  std::uint32_t waiting_for_ = 0;
  EventPace pace_;
  std::chrono::microseconds backoff_;
  bool pausing_ = false;
  std::function<void()> flushed_;
  base::EventLoop::Timer flush_timer_;
};

}  // namespace vortex::shim
