// SPDX-License-Identifier: Apache-2.0
//   Source  containerd api/services/namespaces/v1/namespace.proto
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace vortex::client {

class Connection;

struct Namespace {
  std::string name{};
  Labels labels{};
};

class Namespaces {
 public:
  explicit Namespaces(Connection& connection) : connection_(connection) {}
  // containerd answers for a namespace that does not exist too: with no labels.
  absl::StatusOr<Namespace> Get(const std::string& name, const CallOptions& options = {});
  absl::StatusOr<std::vector<Namespace>> List(const CallOptions& options = {});
  absl::StatusOr<Namespace> Create(const Namespace& ns, const CallOptions& options = {});
  absl::StatusOr<Namespace> Update(const Namespace& ns, const CallOptions& options = {});
  absl::Status Delete(const std::string& name, const CallOptions& options = {});

 private:
  Connection& connection_;
};

}  // namespace vortex::client
