// SPDX-License-Identifier: Apache-2.0
// containerd's content store: blobs by digest.
//   Source  containerd api/services/content/v1/content.proto
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

namespace vortex::client {

class Connection;

struct ContentInfo {
  std::string digest{};
  std::int64_t size = 0;
  Labels labels{};
  Time created_at{};
  Time updated_at{};
};

struct IngestStatus {
  std::string ref{};
  std::int64_t offset = 0;
  std::int64_t total = 0;
  std::string expected{};
  Time started_at{};
  Time updated_at{};
};

// Fills `buffer` with up to its size, starting at `offset` of the blob, and returns how much; 0 at
// the end.
using ContentSource =
    std::function<absl::StatusOr<std::size_t>(std::int64_t offset, char* buffer, std::size_t size)>;

struct WriteContentRequest {
  std::string ref{};      // names the ingest; the same ref resumes where an earlier one stopped
  std::string digest{};   // expected; containerd verifies before it commits
  std::int64_t size = 0;  // expected
  Labels labels{};        // set at commit; "containerd.io/gc.ref.content.0" keeps children
};

class Content {
 public:
  explicit Content(Connection& connection) : connection_(connection) {}

  absl::StatusOr<ContentInfo> Info(const std::string& digest, const CallOptions& options = {});
  absl::StatusOr<std::vector<ContentInfo>> List(const std::vector<std::string>& filters = {},
                                                const CallOptions& options = {});
  absl::StatusOr<ContentInfo> Update(const ContentInfo& info,
                                     const std::vector<std::string>& field_paths,
                                     const CallOptions& options = {});
  absl::Status Delete(const std::string& digest, const CallOptions& options = {});
  // Calls `sink` with consecutive pieces of [offset, offset + size); size 0: to the end. An error
  // from `sink` ends the call and is returned as it is. options.timeout is for the whole read.
  absl::Status Read(const std::string& digest, std::int64_t offset, std::int64_t size,
                    const std::function<absl::Status(std::string_view)>& sink,
                    const CallOptions& options = {});
  // A whole small blob; larger than `limit` is OutOfRange.
  absl::StatusOr<std::string> ReadBlob(const std::string& digest, std::size_t limit,
                                       const CallOptions& options = {});
  // Writes and commits a blob; options.timeout is for the whole of it. Resumes an ingest of the
  // same ref, so a failed write leaves it for a later one. A blob that is there already is success
  // (its labels are then updated).
  //   Errors  FailedPrecondition: the bytes do not have that digest or size (the ingest is aborted
  //   then);
  //           Unavailable: another writer holds the ref, or containerd is gone; those of `source`,
  //           as they are.
  absl::Status Write(const WriteContentRequest& request, const ContentSource& source,
                     const CallOptions& options = {});
  absl::StatusOr<IngestStatus> Status(const std::string& ref, const CallOptions& options = {});
  absl::StatusOr<std::vector<IngestStatus>> ListStatuses(
      const std::vector<std::string>& filters = {}, const CallOptions& options = {});
  absl::Status Abort(const std::string& ref, const CallOptions& options = {});

 private:
  Connection& connection_;
};

}  // namespace vortex::client
