// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace vortex::client {

class Connection;

struct ServerVersion {
  std::string version{};  // "1.6.20~ds1"
  std::string revision{};
};

class Version {
 public:
  explicit Version(Connection& connection) : connection_(connection) {}
  absl::StatusOr<ServerVersion> Get(const CallOptions& options = {});

 private:
  Connection& connection_;
};

}  // namespace vortex::client
