// SPDX-License-Identifier: Apache-2.0
// containerd's containers service: the metadata side of a container.
//   Source  containerd api/services/containers/v1/containers.proto
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace vortex::client {

class Connection;

// Type URL under which containerd stores an OCI runtime spec (typeurl of specs-go.Spec).
inline constexpr char kOciSpecTypeUrl[] = "types.containerd.io/opencontainers/runtime-spec/1/Spec";

struct Container {
  std::string id{};
  Labels labels{};
  std::string image{};
  std::string runtime_name{};  // "io.containerd.runc.v2"
  std::optional<Any> runtime_options{};
  Any spec{};  // kOciSpecTypeUrl, JSON bytes
  std::string snapshotter{};
  std::string snapshot_key{};
  std::map<std::string, Any> extensions{};  // free for clients, by name
  Time created_at{};
  Time updated_at{};
};

class Containers {
 public:
  explicit Containers(Connection& connection) : connection_(connection) {}

  absl::StatusOr<Container> Create(const Container& container, const CallOptions& options = {});
  absl::StatusOr<Container> Get(const std::string& id, const CallOptions& options = {});
  // Filters in containerd's syntax, for example `labels."io.vortex.run-id"==abc`.
  absl::StatusOr<std::vector<Container>> List(const std::vector<std::string>& filters,
                                              const CallOptions& options = {});
  // field_paths as in containerd: "labels", "labels.key", "spec"; empty replaces all that may
  // change.
  absl::StatusOr<Container> Update(const Container& container,
                                   const std::vector<std::string>& field_paths,
                                   const CallOptions& options = {});
  absl::Status Delete(const std::string& id, const CallOptions& options = {});

 private:
  Connection& connection_;
};

}  // namespace vortex::client
