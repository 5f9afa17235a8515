// SPDX-License-Identifier: Apache-2.0
#include "client/leases.h"

#include <time.h>

#include "base/files.h"
#include "client/connection.h"
#include "client/convert.h"
#include "containerd/services/leases/v1/leases.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::leases::v1;
using Stub = api::Leases::Stub;

namespace {

Lease ToLease(const api::Lease& lease) {
  return {.id = lease.id(),
          .labels = FromProto(lease.labels()),
          .created_at = FromProto(lease.created_at())};
}

template <typename Request>
Request RequestFor(const std::string& id, const LeaseResource& resource) {
  Request request;
  request.set_id(id);
  request.mutable_resource()->set_id(resource.id);
  request.mutable_resource()->set_type(resource.type);
  return request;
}

}  // namespace

absl::StatusOr<Lease> Leases::Create(const std::string& id, const Labels& labels,
                                     const CallOptions& options) {
  api::CreateRequest request;
  // containerd refuses an empty id: making one up is the client's part.
  request.set_id(id.empty() ? base::RandomHex(16) : id);
  *request.mutable_labels() = ToProto(labels);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Create, request, options,
                                       fmt::format("create lease {}", request.id())));
  return ToLease(response.lease());
}

absl::Status Leases::Delete(const std::string& id, bool sync, const CallOptions& options) {
  api::DeleteRequest request;
  request.set_id(id);
  request.set_sync(sync);
  return connection_
      .Call(Repeat::kNever, &Stub::Delete, request, options, fmt::format("delete lease {}", id))
      .status();
}

absl::StatusOr<std::vector<Lease>> Leases::List(const std::vector<std::string>& filters,
                                                const CallOptions& options) {
  api::ListRequest request;
  Append(filters, request.mutable_filters());
  VX_ASSIGN_OR_RETURN(const auto response, connection_.Call(Repeat::kSafe, &Stub::List, request,
                                                            options, "list leases"));
  std::vector<Lease> out;
  for (const auto& lease : response.leases()) out.push_back(ToLease(lease));
  return out;
}

absl::Status Leases::AddResource(const std::string& id, const LeaseResource& resource,
                                 const CallOptions& options) {
  return connection_
      .Call(Repeat::kNever, &Stub::AddResource, RequestFor<api::AddResourceRequest>(id, resource),
            options, fmt::format("add {} {} to lease {}", resource.type, resource.id, id))
      .status();
}

absl::Status Leases::DeleteResource(const std::string& id, const LeaseResource& resource,
                                    const CallOptions& options) {
  return connection_
      .Call(Repeat::kNever, &Stub::DeleteResource,
            RequestFor<api::DeleteResourceRequest>(id, resource), options,
            fmt::format("remove {} {} from lease {}", resource.type, resource.id, id))
      .status();
}

absl::StatusOr<std::vector<LeaseResource>> Leases::ListResources(const std::string& id,
                                                                 const CallOptions& options) {
  api::ListResourcesRequest request;
  request.set_id(id);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::ListResources, request, options,
                                       fmt::format("list resources of lease {}", id)));
  std::vector<LeaseResource> out;
  for (const auto& resource : response.resources())
    out.push_back({.id = resource.id(), .type = resource.type()});
  return out;
}

std::string LeaseExpiry(std::chrono::seconds ttl) {
  const std::time_t when =
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + ttl);
  std::tm utc{};
  ::gmtime_r(&when, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace vortex::client
