// SPDX-License-Identifier: Apache-2.0
// Content::Write: one stream an attempt. The first message asks for the state of the ingest (and
// takes its lock), the next ones carry data from that offset, the last one data and the order to
// commit.
#include <algorithm>

#include "client/connection.h"
#include "client/content.h"
#include "client/convert.h"
#include "containerd/services/content/v1/content.grpc.pb.h"

namespace vortex::client {

namespace api = containerd::services::content::v1;
using Stub = api::Content::Stub;

namespace {

// containerd takes messages of up to 16 MiB; larger pieces than this are no faster over a unix
// socket and cost memory on both sides.
constexpr std::int64_t kPieceBytes = 512 << 10;

class BlobStream {
 public:
  BlobStream(Stub& stub, grpc::ClientContext& context, const WriteContentRequest& request)
      : request_(request), context_(context), stream_(stub.Write(&context)) {}

  // The state of the whole exchange: containerd's status, or OK with `source_error` set.
  grpc::Status Run(const ContentSource& source, absl::Status* source_error) {
    if (!Open()) return stream_->Finish();
    do {
      const absl::StatusOr<std::int64_t> piece = Fill(source);
      if (!piece.ok()) {
        *source_error = piece.status();
        context_.TryCancel();
        (void)stream_->Finish();
        return grpc::Status::OK;
      }
      if (!Exchange()) return stream_->Finish();
      offset_ += *piece;
      if (response_.offset() != offset_)
        return Fail(
            fmt::format("containerd has {} bytes after we sent {}", response_.offset(), offset_));
    } while (message_.action() != api::COMMIT);
    stream_->WritesDone();
    // containerd repeats its last answer when it ends the stream.
    while (stream_->Read(&response_)) {
    }
    return stream_->Finish();
  }

 private:
  bool Exchange() { return stream_->Write(message_) && stream_->Read(&response_); }

  bool Open() {
    message_.set_action(api::STAT);
    message_.set_ref(request_.ref);
    message_.set_total(request_.size);
    message_.set_expected(request_.digest);
    if (!Exchange()) return false;
    offset_ = response_.offset();
    // Left over from something else of that name; data at offset 0 truncates it.
    if (offset_ > request_.size) offset_ = 0;
    return true;
  }

  // Makes the next message and returns how much data is in it.
  absl::StatusOr<std::int64_t> Fill(const ContentSource& source) {
    const std::int64_t want = std::min(request_.size - offset_, kPieceBytes);
    std::string& data = *message_.mutable_data();
    data.resize(static_cast<std::size_t>(want));
    std::size_t have = 0;
    while (have < data.size()) {
      VX_ASSIGN_OR_RETURN(const std::size_t got, source(offset_ + static_cast<std::int64_t>(have),
                                                        data.data() + have, data.size() - have));
      if (got == 0 || got > data.size() - have)
        return Error(absl::StatusCode::kFailedPrecondition, "the source ended after {} of {} bytes",
                     offset_ + static_cast<std::int64_t>(have), request_.size);
      have += got;
    }
    message_.set_offset(offset_);
    const bool last = offset_ + want == request_.size;
    message_.set_action(last ? api::COMMIT : api::WRITE);
    // containerd looks the digest up with every message that names it.
    message_.clear_expected();
    if (last) {
      message_.set_expected(request_.digest);
      *message_.mutable_labels() = ToProto(request_.labels);
    }
    return want;
  }

  grpc::Status Fail(const std::string& words) {
    context_.TryCancel();
    (void)stream_->Finish();
    return {grpc::StatusCode::DATA_LOSS, words};
  }

  const WriteContentRequest& request_;
  grpc::ClientContext& context_;
  std::unique_ptr<grpc::ClientReaderWriter<api::WriteContentRequest, api::WriteContentResponse>>
      stream_;
  api::WriteContentRequest message_;
  api::WriteContentResponse response_;
  std::int64_t offset_ = 0;
};

}  // namespace

absl::Status Content::Write(const WriteContentRequest& request, const ContentSource& source,
                            const CallOptions& options) {
  const std::string what = fmt::format("write content {}", request.digest);
  if (request.ref.empty() || request.digest.empty() || request.size < 0)
    return InvalidArgument("{}: ref, digest and a size of 0 or more are needed (ref '{}', size {})",
                           what, request.ref, request.size);
  absl::Status source_error;
  // Repeatable although it writes: each attempt goes on from what containerd has, and the digest
  // proves the whole.
  absl::Status status =
      connection_.Run(Repeat::kSafe, options, what, [&](grpc::ClientContext& context) {
        return BlobStream(connection_.Stub<Stub>(), context, request).Run(source, &source_error);
      });
  if (status.ok()) status = Annotate(source_error, what);
  if (absl::IsAlreadyExists(status)) {
    if (request.labels.empty()) return absl::OkStatus();
    std::vector<std::string> paths;
    for (const auto& [key, value] : request.labels) paths.push_back("labels." + key);
    return Update({.digest = request.digest, .labels = request.labels}, paths, options).status();
  }
  if (absl::IsFailedPrecondition(status)) {
    // What is there can never become this blob. Not under the caller's cancellation: it must not
    // stay.
    (void)Abort(request.ref, {.lease = options.lease});
  }
  return status;
}

}  // namespace vortex::client
