// SPDX-License-Identifier: Apache-2.0
// A shim started by hand, without containerd: a bundle, a shell script for a runtime, and a ttrpc
// connection.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/unique_fd.h"
#include "containerd/task/v2/shim.pb.h"
#include "shim/ttrpc_frame.h"

namespace vortex::shim::testing {

struct Reply {
  bool received = false;
  int code = -1;
  std::string message;
  std::string payload;
};

// One ttrpc connection; blocking, `seconds` at most for each answer.
class TtrpcPeer {
 public:
  explicit TtrpcPeer(const std::string& socket, int seconds = 20);
  bool connected() const { return fd_.valid(); }
  // Sends a request and returns its stream.
  std::uint32_t Send(const std::string& method, const std::string& payload,
                     const std::string& service = "containerd.task.v2.Task");
  void SendRaw(std::string_view bytes);
  // The next answer on the connection, whichever stream it is for; stored in *stream.
  Reply Receive(std::uint32_t* stream);
  template <typename Message>
  Reply Call(const std::string& method, const Message& message) {
    const std::uint32_t sent = Send(method, message.SerializeAsString());
    std::uint32_t stream = 0;
    Reply reply;
    do {
      reply = Receive(&stream);
    } while (reply.received && stream != sent);
    return reply;
  }
  // True when the other side has closed.
  bool AwaitClose();

 private:
  base::UniqueFd fd_;
  FrameDecoder decoder_;
  std::uint32_t next_ = 1;
};

class LoneShim {
 public:
  // Makes the bundle; `script` is the body of the runtime, run with the OCI command line. Words it
  // may use: $verb, $pidfile, $bundle.
  explicit LoneShim(const std::string& script, const std::string& event_sink = "");
  ~LoneShim();

  // Another shim than the one under test; before Start().
  void set_binary(const std::string& path) { binary_ = path; }
  // Runs `start`; its output.
  std::string Start();
  // Runs `delete`; its output.
  std::string Delete();
  const std::string& bundle() const { return bundle_; }
  std::string socket() const;
  pid_t shim() const;
  containerd::task::v2::CreateTaskRequest CreateRequest() const;

 private:
  std::string Command(const std::string& action) const;

  std::string dir_;
  std::string bundle_;
  std::string event_sink_;
  std::string binary_ = VORTEX_SHIM;
};

// Tests of a shim without containerd.
class LoneTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
  // Polls until `condition` holds, 10 s at most.
  template <typename Condition>
  static bool Until(Condition condition) {
    for (int i = 0; i < 400; ++i) {
      if (condition()) return true;
      ::usleep(25'000);
    }
    return false;
  }
};

}  // namespace vortex::shim::testing
