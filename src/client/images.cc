// SPDX-License-Identifier: Apache-2.0
#include "client/images.h"

#include "client/connection.h"
#include "client/convert.h"
#include "containerd/services/images/v1/images.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::images::v1;
using Stub = api::Images::Stub;

namespace {

Image ToImage(const api::Image& image) {
  return {.name = image.name(),
          .labels = FromProto(image.labels()),
          .target = FromProto(image.target()),
          .created_at = FromProto(image.created_at()),
          .updated_at = FromProto(image.updated_at())};
}

template <typename Request>
Request RequestFor(const Image& image) {
  Request request;
  request.mutable_image()->set_name(image.name);
  *request.mutable_image()->mutable_labels() = ToProto(image.labels);
  *request.mutable_image()->mutable_target() = ToProto(image.target);
  return request;
}

}  // namespace

absl::StatusOr<Image> Images::Get(const std::string& name, const CallOptions& options) {
  api::GetImageRequest request;
  request.set_name(name);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::Get, request, options,
                                       fmt::format("get image {}", name)));
  return ToImage(response.image());
}

absl::StatusOr<std::vector<Image>> Images::List(const std::vector<std::string>& filters,
                                                const CallOptions& options) {
  api::ListImagesRequest request;
  Append(filters, request.mutable_filters());
  VX_ASSIGN_OR_RETURN(const auto response, connection_.Call(Repeat::kSafe, &Stub::List, request,
                                                            options, "list images"));
  std::vector<Image> out;
  for (const auto& image : response.images()) out.push_back(ToImage(image));
  return out;
}

absl::StatusOr<Image> Images::Create(const Image& image, const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(
      const auto response,
      connection_.Call(Repeat::kNever, &Stub::Create, RequestFor<api::CreateImageRequest>(image),
                       options, fmt::format("create image {}", image.name)));
  return ToImage(response.image());
}

absl::StatusOr<Image> Images::Update(const Image& image,
                                     const std::vector<std::string>& field_paths,
                                     const CallOptions& options) {
  auto request = RequestFor<api::UpdateImageRequest>(image);
  if (!field_paths.empty()) Append(field_paths, request.mutable_update_mask()->mutable_paths());
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Update, request, options,
                                       fmt::format("update image {}", image.name)));
  return ToImage(response.image());
}

absl::StatusOr<Image> Images::Put(const Image& image, const CallOptions& options) {
  auto created = Create(image, options);
  if (!absl::IsAlreadyExists(created.status())) return created;
  auto updated = Update(image, {"target", "labels"}, options);
  // Deleted by someone else between the two calls.
  if (absl::IsNotFound(updated.status())) return Create(image, options);
  return updated;
}

absl::Status Images::Delete(const std::string& name, bool sync, const CallOptions& options) {
  api::DeleteImageRequest request;
  request.set_name(name);
  request.set_sync(sync);
  return connection_
      .Call(Repeat::kNever, &Stub::Delete, request, options, fmt::format("delete image {}", name))
      .status();
}

}  // namespace vortex::client
