// SPDX-License-Identifier: Apache-2.0
#include "client/diff.h"

#include "client/connection.h"
#include "client/convert.h"
#include "containerd/services/diff/v1/diff.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::diff::v1;
using Stub = api::Diff::Stub;

absl::StatusOr<Descriptor> Diff::Apply(const Descriptor& diff, const std::vector<Mount>& mounts,
                                       const CallOptions& options) {
  api::ApplyRequest request;
  *request.mutable_diff() = ToProto(diff);
  *request.mutable_mounts() = ToProto(mounts);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Apply, request, options,
                                       fmt::format("unpack layer {}", diff.digest)));
  return FromProto(response.applied());
}

absl::StatusOr<Descriptor> Diff::Create(const std::vector<Mount>& left,
                                        const std::vector<Mount>& right,
                                        const std::string& media_type, const std::string& ref,
                                        const Labels& labels, const CallOptions& options) {
  api::DiffRequest request;
  *request.mutable_left() = ToProto(left);
  *request.mutable_right() = ToProto(right);
  request.set_media_type(media_type);
  request.set_ref(ref);
  *request.mutable_labels() = ToProto(labels);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Diff, request, options,
                                       fmt::format("make diff {}", ref)));
  return FromProto(response.diff());
}

}  // namespace vortex::client
