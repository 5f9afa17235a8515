// SPDX-License-Identifier: Apache-2.0
//   Source  containerd api/services/diff/v1/diff.proto
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace vortex::client {

class Connection;

class Diff {
 public:
  explicit Diff(Connection& connection) : connection_(connection) {}

  // Unpacks the layer `diff` (in the content store) into `mounts`. Returns the descriptor of the
  // uncompressed layer: its digest is the layer's diff id.
  absl::StatusOr<Descriptor> Apply(const Descriptor& diff, const std::vector<Mount>& mounts,
                                   const CallOptions& options = {});
  // Writes the difference between two mount lists as a layer into the content store.
  absl::StatusOr<Descriptor> Create(const std::vector<Mount>& left, const std::vector<Mount>& right,
                                    const std::string& media_type, const std::string& ref,
                                    const Labels& labels = {}, const CallOptions& options = {});

 private:
  Connection& connection_;
};

}  // namespace vortex::client
