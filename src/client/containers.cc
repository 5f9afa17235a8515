// SPDX-License-Identifier: Apache-2.0
#include "client/containers.h"

#include "client/connection.h"
#include "client/convert.h"
#include "containerd/services/containers/v1/containers.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::containers::v1;
using Stub = api::Containers::Stub;

namespace {

Container ToContainer(const api::Container& container) {
  Container out{.id = container.id(),
                .labels = FromProto(container.labels()),
                .image = container.image(),
                .runtime_name = container.runtime().name(),
                .spec = FromProto(container.spec()),
                .snapshotter = container.snapshotter(),
                .snapshot_key = container.snapshot_key(),
                .created_at = FromProto(container.created_at()),
                .updated_at = FromProto(container.updated_at())};
  if (container.runtime().has_options())
    out.runtime_options = FromProto(container.runtime().options());
  for (const auto& [name, extension] : container.extensions())
    out.extensions.emplace(name, FromProto(extension));
  return out;
}

template <typename Request>
Request RequestFor(const Container& container) {
  Request request;
  api::Container& out = *request.mutable_container();
  out.set_id(container.id);
  *out.mutable_labels() = ToProto(container.labels);
  out.set_image(container.image);
  out.mutable_runtime()->set_name(container.runtime_name);
  if (container.runtime_options.has_value())
    *out.mutable_runtime()->mutable_options() = ToProto(*container.runtime_options);
  *out.mutable_spec() = ToProto(container.spec);
  out.set_snapshotter(container.snapshotter);
  out.set_snapshot_key(container.snapshot_key);
  for (const auto& [name, extension] : container.extensions)
    (*out.mutable_extensions())[name] = ToProto(extension);
  return request;
}

}  // namespace

absl::StatusOr<Container> Containers::Create(const Container& container,
                                             const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Create,
                                       RequestFor<api::CreateContainerRequest>(container), options,
                                       fmt::format("create container {}", container.id)));
  return ToContainer(response.container());
}

absl::StatusOr<Container> Containers::Get(const std::string& id, const CallOptions& options) {
  api::GetContainerRequest request;
  request.set_id(id);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::Get, request, options,
                                       fmt::format("get container {}", id)));
  return ToContainer(response.container());
}

absl::StatusOr<std::vector<Container>> Containers::List(const std::vector<std::string>& filters,
                                                        const CallOptions& options) {
  api::ListContainersRequest request;
  Append(filters, request.mutable_filters());
  std::vector<Container> out;
  // The stream, not the unary List: a thousand specs do not fit into one message.
  VX_RETURN_IF_ERROR(connection_.CallStream(
      Repeat::kSafe, &Stub::ListStream, request, options, "list containers", [&] { out.clear(); },
      [&](api::ListContainerMessage& message) {
        out.push_back(ToContainer(message.container()));
        return absl::OkStatus();
      }));
  return out;
}

absl::StatusOr<Container> Containers::Update(const Container& container,
                                             const std::vector<std::string>& field_paths,
                                             const CallOptions& options) {
  auto request = RequestFor<api::UpdateContainerRequest>(container);
  if (!field_paths.empty()) Append(field_paths, request.mutable_update_mask()->mutable_paths());
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Update, request, options,
                                       fmt::format("update container {}", container.id)));
  return ToContainer(response.container());
}

absl::Status Containers::Delete(const std::string& id, const CallOptions& options) {
  api::DeleteContainerRequest request;
  request.set_id(id);
  return connection_
      .Call(Repeat::kNever, &Stub::Delete, request, options, fmt::format("delete container {}", id))
      .status();
}

}  // namespace vortex::client
