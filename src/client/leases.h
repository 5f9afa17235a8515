// SPDX-License-Identifier: Apache-2.0
// Leases keep content and snapshots from containerd's garbage collector.
//   Source  containerd api/services/leases/v1/leases.proto, docs/garbage-collection.md
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace vortex::client {

class Connection;

struct Lease {
  std::string id{};
  Labels labels{};  // "containerd.io/gc.expire": RFC 3339 time after which the lease is gone
  Time created_at{};
};

struct LeaseResource {
  std::string id{};    // digest or snapshot key
  std::string type{};  // "content" or "snapshots/overlayfs"
};

class Leases {
 public:
  explicit Leases(Connection& connection) : connection_(connection) {}

  // Empty id: one is made up (32 hex digits).
  absl::StatusOr<Lease> Create(const std::string& id, const Labels& labels = {},
                               const CallOptions& options = {});
  // sync: return after a garbage collection that follows the delete.
  absl::Status Delete(const std::string& id, bool sync = false, const CallOptions& options = {});
  absl::StatusOr<std::vector<Lease>> List(const std::vector<std::string>& filters = {},
                                          const CallOptions& options = {});
  absl::Status AddResource(const std::string& id, const LeaseResource& resource,
                           const CallOptions& options = {});
  absl::Status DeleteResource(const std::string& id, const LeaseResource& resource,
                              const CallOptions& options = {});
  absl::StatusOr<std::vector<LeaseResource>> ListResources(const std::string& id,
                                                           const CallOptions& options = {});

 private:
  Connection& connection_;
};

// The label value for "containerd.io/gc.expire": now + ttl as RFC 3339 in UTC.
std::string LeaseExpiry(std::chrono::seconds ttl);

}  // namespace vortex::client
