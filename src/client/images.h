// SPDX-License-Identifier: Apache-2.0
//   Source  containerd api/services/images/v1/images.proto
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace vortex::client {

class Connection;

struct Image {
  std::string name{};
  Labels labels{};
  Descriptor target{};
  Time created_at{};
  Time updated_at{};
};

class Images {
 public:
  explicit Images(Connection& connection) : connection_(connection) {}

  absl::StatusOr<Image> Get(const std::string& name, const CallOptions& options = {});
  absl::StatusOr<std::vector<Image>> List(const std::vector<std::string>& filters = {},
                                          const CallOptions& options = {});
  absl::StatusOr<Image> Create(const Image& image, const CallOptions& options = {});
  absl::StatusOr<Image> Update(const Image& image, const std::vector<std::string>& field_paths,
                               const CallOptions& options = {});
  // Create, or Update of target and labels when the name is taken.
  absl::StatusOr<Image> Put(const Image& image, const CallOptions& options = {});
  // sync: return after a garbage collection that follows the delete.
  absl::Status Delete(const std::string& name, bool sync = false, const CallOptions& options = {});

 private:
  Connection& connection_;
};

}  // namespace vortex::client
