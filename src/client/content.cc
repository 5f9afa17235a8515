// SPDX-License-Identifier: Apache-2.0
// Every call of the content service but Write, which is in content_write.cc.
#include "client/content.h"

#include "client/connection.h"
#include "client/convert.h"
#include "containerd/services/content/v1/content.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::content::v1;
using Stub = api::Content::Stub;

namespace {

ContentInfo ToInfo(const api::Info& info) {
  return {.digest = info.digest(),
          .size = info.size(),
          .labels = FromProto(info.labels()),
          .created_at = FromProto(info.created_at()),
          .updated_at = FromProto(info.updated_at())};
}

IngestStatus ToIngestStatus(const api::Status& status) {
  return {.ref = status.ref(),
          .offset = status.offset(),
          .total = status.total(),
          .expected = status.expected(),
          .started_at = FromProto(status.started_at()),
          .updated_at = FromProto(status.updated_at())};
}

}  // namespace

absl::StatusOr<ContentInfo> Content::Info(const std::string& digest, const CallOptions& options) {
  api::InfoRequest request;
  request.set_digest(digest);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::Info, request, options,
                                       fmt::format("look up content {}", digest)));
  return ToInfo(response.info());
}

absl::StatusOr<std::vector<ContentInfo>> Content::List(const std::vector<std::string>& filters,
                                                       const CallOptions& options) {
  api::ListContentRequest request;
  Append(filters, request.mutable_filters());
  std::vector<ContentInfo> out;
  VX_RETURN_IF_ERROR(connection_.CallStream(
      Repeat::kSafe, &Stub::List, request, options, "list content", [&] { out.clear(); },
      [&](api::ListContentResponse& page) {
        for (const auto& info : page.info()) out.push_back(ToInfo(info));
        return absl::OkStatus();
      }));
  return out;
}

absl::StatusOr<ContentInfo> Content::Update(const ContentInfo& info,
                                            const std::vector<std::string>& field_paths,
                                            const CallOptions& options) {
  api::UpdateRequest request;
  request.mutable_info()->set_digest(info.digest);
  *request.mutable_info()->mutable_labels() = ToProto(info.labels);
  if (!field_paths.empty()) Append(field_paths, request.mutable_update_mask()->mutable_paths());
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kNever, &Stub::Update, request, options,
                                       fmt::format("update content {}", info.digest)));
  return ToInfo(response.info());
}

absl::Status Content::Delete(const std::string& digest, const CallOptions& options) {
  api::DeleteContentRequest request;
  request.set_digest(digest);
  return connection_
      .Call(Repeat::kNever, &Stub::Delete, request, options,
            fmt::format("delete content {}", digest))
      .status();
}

absl::Status Content::Read(const std::string& digest, std::int64_t offset, std::int64_t size,
                           const std::function<absl::Status(std::string_view)>& sink,
                           const CallOptions& options) {
  if (offset < 0 || size < 0)
    return InvalidArgument("read content {}: offset {} and size {} must not be negative", digest,
                           offset, size);
  api::ReadContentRequest request;
  request.set_digest(digest);
  request.set_offset(offset);
  request.set_size(size);
  // Not repeated: the sink has seen a part of it.
  return connection_.CallStream(
      Repeat::kNever, &Stub::Read, request, options, fmt::format("read content {}", digest),
      nullptr, [&](api::ReadContentResponse& piece) { return sink(piece.data()); });
}

absl::StatusOr<std::string> Content::ReadBlob(const std::string& digest, std::size_t limit,
                                              const CallOptions& options) {
  std::string out;
  VX_RETURN_IF_ERROR(Read(
      digest, 0, 0,
      [&](std::string_view piece) {
        if (piece.size() > limit - out.size())
          return Error(absl::StatusCode::kOutOfRange, "read content {}: larger than {} bytes",
                       digest, limit);
        out += piece;
        return absl::OkStatus();
      },
      options));
  return out;
}

absl::StatusOr<IngestStatus> Content::Status(const std::string& ref, const CallOptions& options) {
  api::StatusRequest request;
  request.set_ref(ref);
  VX_ASSIGN_OR_RETURN(const auto response,
                      connection_.Call(Repeat::kSafe, &Stub::Status, request, options,
                                       fmt::format("get status of ingest {}", ref)));
  return ToIngestStatus(response.status());
}

absl::StatusOr<std::vector<IngestStatus>> Content::ListStatuses(
    const std::vector<std::string>& filters, const CallOptions& options) {
  api::ListStatusesRequest request;
  Append(filters, request.mutable_filters());
  VX_ASSIGN_OR_RETURN(const auto response, connection_.Call(Repeat::kSafe, &Stub::ListStatuses,
                                                            request, options, "list ingests"));
  std::vector<IngestStatus> out;
  for (const auto& status : response.statuses()) out.push_back(ToIngestStatus(status));
  return out;
}

absl::Status Content::Abort(const std::string& ref, const CallOptions& options) {
  api::AbortRequest request;
  request.set_ref(ref);
  // A writer whose stream was cut may still be putting down a file while containerd removes the
  // ingest's directory (seen on 1.6.20); containerd then rolls back, and the next try finds peace.
  constexpr int kTries = 10;
  for (int left = kTries - 1;; --left) {
    const absl::Status status = connection_
                                    .Call(Repeat::kNever, &Stub::Abort, request, options,
                                          fmt::format("abort ingest {}", ref))
                                    .status();
    if (left == 0 || !absl::IsUnknown(status) ||
        status.message().find("directory not empty") == absl::string_view::npos)
      return status;
    if (!base::Pause(std::chrono::milliseconds(20), options.cancel)) return status;
  }
}

}  // namespace vortex::client
