// SPDX-License-Identifier: Apache-2.0
//   Source  containerd api/services/introspection/v1/introspection.proto
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace vortex::client {

class Connection;

struct Plugin {
  std::string type{};                    // "io.containerd.snapshotter.v1"
  std::string id{};                      // "overlayfs"
  std::vector<std::string> platforms{};  // "linux/amd64"
  std::vector<std::string> capabilities{};
  std::map<std::string, std::string> exports{};
  absl::Status init_error{};  // why it did not load; OK when it did
};

struct ServerInfo {
  std::string uuid{};
  std::uint64_t pid = 0;            // 0 before containerd 1.7
  std::uint64_t pid_namespace = 0;  // 0 before containerd 1.7
};

class Introspection {
 public:
  explicit Introspection(Connection& connection) : connection_(connection) {}
  absl::StatusOr<std::vector<Plugin>> Plugins(const std::vector<std::string>& filters = {},
                                              const CallOptions& options = {});
  absl::StatusOr<ServerInfo> Server(const CallOptions& options = {});

 private:
  Connection& connection_;
};

}  // namespace vortex::client
