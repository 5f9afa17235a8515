// SPDX-License-Identifier: Apache-2.0
#include "client/snapshots.h"

#include "client/connection.h"
#include "client/convert.h"
#include "containerd/services/snapshots/v1/snapshots.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::snapshots::v1;
using Stub = api::Snapshots::Stub;

namespace {

SnapshotKind ToKind(api::Kind kind) {
  switch (kind) {
    case api::VIEW:
      return SnapshotKind::kView;
    case api::ACTIVE:
      return SnapshotKind::kActive;
    case api::COMMITTED:
      return SnapshotKind::kCommitted;
    default:
      return SnapshotKind::kUnknown;
  }
}

api::Kind ToProtoKind(SnapshotKind kind) {
  switch (kind) {
    case SnapshotKind::kView:
      return api::VIEW;
    case SnapshotKind::kActive:
      return api::ACTIVE;
    case SnapshotKind::kCommitted:
      return api::COMMITTED;
    case SnapshotKind::kUnknown:
      break;
  }
  return api::UNKNOWN;
}

SnapshotInfo ToInfo(const api::Info& info) {
  return {.name = info.name(),
          .parent = info.parent(),
          .kind = ToKind(info.kind()),
          .labels = FromProto(info.labels()),
          .created_at = FromProto(info.created_at()),
          .updated_at = FromProto(info.updated_at())};
}

template <typename Request>
Request RequestFor(const std::string& snapshotter, const std::string& key) {
  Request request;
  request.set_snapshotter(snapshotter);
  request.set_key(key);
  return request;
}

std::string What(const char* verb, const std::string& snapshotter, const std::string& key) {
  return fmt::format("{} {} snapshot {}", verb, snapshotter, key);
}

}  // namespace

absl::StatusOr<std::vector<Mount>> Snapshots::Prepare(const std::string& snapshotter,
                                                      const std::string& key,
                                                      const std::string& parent,
                                                      const Labels& labels,
                                                      const CallOptions& options) {
  auto request = RequestFor<api::PrepareSnapshotRequest>(snapshotter, key);
  request.set_parent(parent);
  *request.mutable_labels() = ToProto(labels);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Prepare, request, options,
                                       What("prepare", snapshotter, key)));
  return FromProto(response.mounts());
}

absl::StatusOr<std::vector<Mount>> Snapshots::View(const std::string& snapshotter,
                                                   const std::string& key,
                                                   const std::string& parent, const Labels& labels,
                                                   const CallOptions& options) {
  auto request = RequestFor<api::ViewSnapshotRequest>(snapshotter, key);
  request.set_parent(parent);
  *request.mutable_labels() = ToProto(labels);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::View, request, options,
                                       What("view", snapshotter, key)));
  return FromProto(response.mounts());
}

absl::StatusOr<std::vector<Mount>> Snapshots::Mounts(const std::string& snapshotter,
                                                     const std::string& key,
                                                     const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::Mounts,
                                       RequestFor<api::MountsRequest>(snapshotter, key), options,
                                       What("get mounts of", snapshotter, key)));
  return FromProto(response.mounts());
}

absl::Status Snapshots::Commit(const std::string& snapshotter, const std::string& name,
                               const std::string& key, const Labels& labels,
                               const CallOptions& options) {
  auto request = RequestFor<api::CommitSnapshotRequest>(snapshotter, key);
  request.set_name(name);
  *request.mutable_labels() = ToProto(labels);
  return connection_
      .Call(Repeat::kNever, &Stub::Commit, request, options, What("commit", snapshotter, key))
      .status();
}

absl::Status Snapshots::Remove(const std::string& snapshotter, const std::string& key,
                               const CallOptions& options) {
  return connection_
      .Call(Repeat::kNever, &Stub::Remove, RequestFor<api::RemoveSnapshotRequest>(snapshotter, key),
            options, What("remove", snapshotter, key))
      .status();
}

absl::StatusOr<SnapshotInfo> Snapshots::Stat(const std::string& snapshotter, const std::string& key,
                                             const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::Stat,
                                       RequestFor<api::StatSnapshotRequest>(snapshotter, key),
                                       options, What("stat", snapshotter, key)));
  return ToInfo(response.info());
}

absl::StatusOr<SnapshotInfo> Snapshots::Update(const std::string& snapshotter,
                                               const SnapshotInfo& info,
                                               const std::vector<std::string>& field_paths,
                                               const CallOptions& options) {
  api::UpdateSnapshotRequest request;
  request.set_snapshotter(snapshotter);
  request.mutable_info()->set_name(info.name);
  request.mutable_info()->set_parent(info.parent);
  request.mutable_info()->set_kind(ToProtoKind(info.kind));
  *request.mutable_info()->mutable_labels() = ToProto(info.labels);
  if (!field_paths.empty()) Append(field_paths, request.mutable_update_mask()->mutable_paths());
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Update, request, options,
                                       What("update", snapshotter, info.name)));
  return ToInfo(response.info());
}

absl::StatusOr<std::vector<SnapshotInfo>> Snapshots::List(const std::string& snapshotter,
                                                          const std::vector<std::string>& filters,
                                                          const CallOptions& options) {
  api::ListSnapshotsRequest request;
  request.set_snapshotter(snapshotter);
  Append(filters, request.mutable_filters());
  std::vector<SnapshotInfo> out;
  VX_RETURN_IF_ERROR(connection_.CallStream(
      Repeat::kSafe, &Stub::List, request, options, fmt::format("list {} snapshots", snapshotter),
      [&] { out.clear(); },
      [&](api::ListSnapshotsResponse& page) {
        for (const auto& info : page.info()) out.push_back(ToInfo(info));
        return absl::OkStatus();
      }));
  return out;
}

absl::StatusOr<SnapshotUsage> Snapshots::Usage(const std::string& snapshotter,
                                               const std::string& key, const CallOptions& options) {
  VX_ASSIGN_OR_RETURN(
      const auto response,
      connection_.Call(Repeat::kSafe, &Stub::Usage, RequestFor<api::UsageRequest>(snapshotter, key),
                       options, What("get usage of", snapshotter, key)));
  return SnapshotUsage{.bytes = response.size(), .inodes = response.inodes()};
}

absl::Status Snapshots::Cleanup(const std::string& snapshotter, const CallOptions& options) {
  api::CleanupRequest request;
  request.set_snapshotter(snapshotter);
  return connection_
      .Call(Repeat::kNever, &Stub::Cleanup, request, options,
            fmt::format("clean up snapshotter {}", snapshotter))
      .status();
}

}  // namespace vortex::client
