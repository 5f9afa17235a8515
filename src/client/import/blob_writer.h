// SPDX-License-Identifier: Apache-2.0
// Brings one planned blob into containerd's content store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/cancellation.h"
#include "client/client.h"
#include "client/import/archive.h"
#include "client/import/plan.h"

namespace vortex::client::importing {

// Where the bytes of a blob come from, hashed as they go by. A resumed write starts in the middle:
// the part that is not sent again is read and hashed all the same. Not thread-safe.
class HashedSource {
 public:
  using Reader = std::function<absl::StatusOr<std::size_t>(std::int64_t, char*, std::size_t)>;

  HashedSource(const Descriptor& descriptor, Reader reader, const base::Cancellation* cancel,
               std::function<void(std::int64_t done)> on_progress);
  ~HashedSource();

  // As ContentSource. The last bytes are held back when the whole does not have the digest.
  //   Errors  FailedPrecondition: wrong digest; Cancelled; those of the reader.
  absl::StatusOr<std::size_t> Read(std::int64_t offset, char* buffer, std::size_t size);

  // The last error of Read: tells a failure of the source from one of containerd.
  const absl::Status& status() const { return status_; }
  // Where the first Read began, in bytes; -1 when there was none.
  std::int64_t first_offset() const { return first_offset_; }

 private:
  absl::StatusOr<std::size_t> ReadNext(char* buffer, std::size_t size);

  struct Hash;
  const Descriptor& descriptor_;
  const Reader reader_;
  const base::Cancellation* cancel_;
  const std::function<void(std::int64_t)> on_progress_;
  std::unique_ptr<Hash> hash_;
  std::int64_t hashed_ = 0;
  std::int64_t first_offset_ = -1;
  absl::Status status_;
};

struct WriteBlobOptions {
  std::string lease;
  base::Cancellation* cancel = nullptr;
  std::function<void(std::int64_t done)> on_progress;  // bytes of this blob, never null
};

// Nothing is sent for a blob that is there. The ingest of a large blob has a ref that follows from
// its digest: a cut write goes on where it stopped, and of two clients one waits for the other. Its
// ingest is kept after Cancelled, DeadlineExceeded and Unavailable, and aborted after any other
// error (on a full disk it would hold the very space that is missing). A small blob is written
// under a ref of its own.
//   Errors  FailedPrecondition: wrong digest; ResourceExhausted: disk full; Unavailable: containerd
//   is gone,
//           or another client holds the blob and has stopped.
absl::Status WriteBlob(Client& client, const Archive& archive, const PlannedBlob& blob,
                       const WriteBlobOptions& options);

// True for errors after which the same import may go on where it stopped.
bool IsResumable(const absl::Status& status);

}  // namespace vortex::client::importing
