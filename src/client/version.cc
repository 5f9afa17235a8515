// SPDX-License-Identifier: Apache-2.0
#include "client/version.h"

#include "client/connection.h"
#include "containerd/services/version/v1/version.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::version::v1;

absl::StatusOr<ServerVersion> Version::Get(const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &api::Version::Stub::Version,
                                       google::protobuf::Empty(), options, "ask for the version"));
  return ServerVersion{.version = response.version(), .revision = response.revision()};
}

}  // namespace vortex::client
