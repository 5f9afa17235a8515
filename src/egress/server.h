// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "egress/config.h"

namespace vortex::egress {

// The proxy of one run, on sockets that somebody else made. One thread.
class Server {
 public:
  // Reads all it needs from files; after this it uses only sockets.
  //   control   a SOCK_SEQPACKET socket: records go out; its end is the end of the server
  //   listener  a listening TCP socket
  static absl::StatusOr<std::unique_ptr<Server>> Create(const Config& config,
                                                        base::UniqueFd control,
                                                        base::UniqueFd listener);
  virtual ~Server() = default;
  // Says "ready", then serves until the control socket ends, then says the rest.
  virtual void Run() = 0;
};

}  // namespace vortex::egress
