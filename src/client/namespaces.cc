// SPDX-License-Identifier: Apache-2.0
#include "client/namespaces.h"

#include "client/connection.h"
#include "client/convert.h"
#include "containerd/services/namespaces/v1/namespace.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::namespaces::v1;
using Stub = api::Namespaces::Stub;

namespace {

Namespace ToNamespace(const api::Namespace& ns) {
  return {.name = ns.name(), .labels = FromProto(ns.labels())};
}

// For the request messages, whose field "namespace" is a C++ keyword.
template <typename Request>
Request RequestFor(const Namespace& ns) {
  Request request;
  request.mutable_namespace_()->set_name(ns.name);
  *request.mutable_namespace_()->mutable_labels() = ToProto(ns.labels);
  return request;
}

}  // namespace

absl::StatusOr<Namespace> Namespaces::Get(const std::string& name, const CallOptions& options) {
  api::GetNamespaceRequest request;
  request.set_name(name);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::Get, request, options,
                                       fmt::format("get namespace {}", name)));
  return ToNamespace(response.namespace_());
}

absl::StatusOr<std::vector<Namespace>> Namespaces::List(const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::List, api::ListNamespacesRequest(),
                                       options, "list namespaces"));
  std::vector<Namespace> out;
  for (const auto& ns : response.namespaces()) out.push_back(ToNamespace(ns));
  return out;
}

absl::StatusOr<Namespace> Namespaces::Create(const Namespace& ns, const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(
      const auto response,
      connection_.Call(Repeat::kNever, &Stub::Create, RequestFor<api::CreateNamespaceRequest>(ns),
                       options, fmt::format("create namespace {}", ns.name)));
  return ToNamespace(response.namespace_());
}

absl::StatusOr<Namespace> Namespaces::Update(const Namespace& ns, const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(
      const auto response,
      connection_.Call(Repeat::kNever, &Stub::Update, RequestFor<api::UpdateNamespaceRequest>(ns),
                       options, fmt::format("update namespace {}", ns.name)));
  return ToNamespace(response.namespace_());
}

absl::Status Namespaces::Delete(const std::string& name, const CallOptions& options) {
  api::DeleteNamespaceRequest request;
  request.set_name(name);
  return connection_
      .Call(Repeat::kNever, &Stub::Delete, request, options,
            fmt::format("delete namespace {}", name))
      .status();
}

}  // namespace vortex::client
