// SPDX-License-Identifier: Apache-2.0
#include "client/import/blob_writer.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/sha256.h"
#include "base/status.h"
#include "client/import/disk_full.h"

namespace vortex::client::importing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Another client that writes the same blob and gets no further for this long is taken for stuck.
constexpr std::chrono::seconds kStuckAfter{60};

// An ingest that has not grown for this long has no writer: it was left by an import that was cut
// short.
constexpr milliseconds kIdleAfter{300};
constexpr std::chrono::seconds kSurelyIdleAfter{2};

// Below this size a second copy costs less than waiting for another client, and resuming saves
// nothing.
constexpr std::int64_t kSharedRefFrom = 16 << 20;

std::string RefFor(const Descriptor& descriptor) {
  std::string ref = "vortex-import-" + descriptor.digest;
  if (descriptor.size < kSharedRefFrom) ref += "-" + base::RandomHex(8);
  return ref;
}

class Writer {
 public:
  Writer(Client& client, const Archive& archive, const PlannedBlob& blob,
         const WriteBlobOptions& options)
      : client_(client),
        archive_(archive),
        blob_(blob),
        options_(options),
        ref_(RefFor(blob.descriptor)),
        shared_(blob.descriptor.size >= kSharedRefFrom) {}

  absl::Status Run() {
    const std::string& digest = blob_.descriptor.digest;
    // Into the lease first, then the question: otherwise the collector could take it in between.
    VX_RETURN_IF_ERROR(
        client_.leases().AddResource(options_.lease, {.id = digest, .type = "content"}, Options()));
    bool restarted = false;
    while (true) {
      const absl::StatusOr<ContentInfo> info = client_.content().Info(digest, Options());
      if (info.ok()) return Label(*info);
      if (!absl::IsNotFound(info.status())) return info.status();
      // Asked first, because containerd 1.6 waits for a locked ref inside a database transaction:
      // for up to a second nobody, the holder of the lock included, gets anything committed.
      VX_ASSIGN_OR_RETURN(const bool busy, OtherIsWriting());
      if (busy) {
        VX_RETURN_IF_ERROR(Pause(milliseconds(50)));
        continue;
      }
      bool started_over = false;
      const absl::Status written = WriteOnce(&started_over);
      if (written.ok()) return written;
      if (started_over && !restarted) {
        restarted = true;
        continue;
      }
      if (!absl::IsUnavailable(written)) return written;
      VX_RETURN_IF_ERROR(WaitForOther(written));
    }
  }

 private:
  CallOptions Options() const {
    return {.timeout = milliseconds(10'000), .lease = options_.lease, .cancel = options_.cancel};
  }

  // `started_over`: an earlier, cut write had left wrong bytes; they are gone, so a second try
  // makes sense.
  absl::Status WriteOnce(bool* started_over) {
    HashedSource::Reader reader;
    std::optional<ArchiveFile> file;
    if (blob_.path.empty()) {
      reader = [this](std::int64_t offset, char* buffer,
                      std::size_t size) -> absl::StatusOr<std::size_t> {
        return blob_.bytes.copy(buffer, size, static_cast<std::size_t>(offset));
      };
    } else {
      VX_ASSIGN_OR_RETURN(file, archive_.Open(blob_.path));
      reader = [&file](std::int64_t offset, char* buffer, std::size_t size) {
        return file->ReadAt(offset, buffer, size);
      };
    }
    HashedSource source(blob_.descriptor, std::move(reader), options_.cancel, options_.on_progress);
    CallOptions call = Options();
    // At least a mebibyte a second, or containerd's disk is stuck.
    call.timeout = std::chrono::minutes(1) + milliseconds(blob_.descriptor.size / 1024);
    const absl::Status written = client_.content().Write(
        {.ref = ref_,
         .digest = blob_.descriptor.digest,
         .size = blob_.descriptor.size,
         .labels = blob_.labels},
        [&source](std::int64_t offset, char* buffer, std::size_t size) {
          return source.Read(offset, buffer, size);
        },
        call);
    if (written.ok()) {
      options_.on_progress(blob_.descriptor.size);
      return written;
    }
    if (!source.status().ok()) return AbortUnlessResumable(source.status());
    if (options_.cancel != nullptr && options_.cancel->cancelled()) {
      return absl::CancelledError("write blob " + blob_.descriptor.digest);
    }
    const absl::Status mapped =
        MapDiskFull(written, fmt::format("write blob {} to containerd", blob_.descriptor.digest));
    // Our side found the digest right, so the part that was sent by an earlier run was not.
    *started_over = absl::IsFailedPrecondition(mapped) && source.first_offset() != 0;
    return AbortUnlessResumable(mapped);
  }

  absl::Status AbortUnlessResumable(const absl::Status& status) {
    if (!IsResumable(status) || !shared_)
      (void)client_.content().Abort(ref_, {.timeout = milliseconds(10'000), .lease = ""});
    return status;
  }

  // Looks whether the ingest of another client grows.
  absl::StatusOr<bool> OtherIsWriting() {
    if (!shared_) return false;
    const absl::StatusOr<IngestStatus> other = client_.content().Status(ref_, Options());
    if (absl::IsNotFound(other.status())) return false;
    VX_RETURN_IF_ERROR(other.status());
    if (std::chrono::system_clock::now() - other->updated_at > kSurelyIdleAfter) return false;
    Observe(other->offset);
    return steady_clock::now() - other_moved_ < kIdleAfter;
  }

  // containerd said Unavailable: one step of waiting for the client that has the ref. `unavailable`
  // is returned when it was not that but containerd that is not there, or when the other is stuck.
  absl::Status WaitForOther(const absl::Status& unavailable) {
    const absl::StatusOr<IngestStatus> other = client_.content().Status(ref_, Options());
    if (!other.ok() && !absl::IsNotFound(other.status())) return other.status();
    const std::int64_t offset = other.ok() ? other->offset : -1;
    Observe(offset);
    if (steady_clock::now() - other_moved_ > kStuckAfter) {
      return Annotate(unavailable,
                      fmt::format("another client holds blob {} at byte {} and does not go on",
                                  blob_.descriptor.digest, offset));
    }
    return Pause(milliseconds(500));
  }

  void Observe(std::int64_t offset) {
    if (other_offset_ == offset) return;
    other_offset_ = offset;
    other_moved_ = steady_clock::now();
    options_.on_progress(std::max<std::int64_t>(offset, 0));
  }

  absl::Status Pause(milliseconds time) const {
    if (base::Pause(time, options_.cancel)) return absl::OkStatus();
    return absl::CancelledError("wait for blob " + blob_.descriptor.digest);
  }

  // The blob was there already, maybe by another tool: our references to its children are added.
  absl::Status Label(const ContentInfo& info) {
    ContentInfo update;
    update.digest = info.digest;
    std::vector<std::string> paths;
    for (const auto& [key, value] : blob_.labels) {
      const auto it = info.labels.find(key);
      if (it != info.labels.end() && it->second == value) continue;
      update.labels[key] = value;
      paths.push_back("labels." + key);
    }
    if (!paths.empty())
      VX_RETURN_IF_ERROR(client_.content().Update(update, paths, Options()).status());
    options_.on_progress(blob_.descriptor.size);
    return absl::OkStatus();
  }

  Client& client_;
  const Archive& archive_;
  const PlannedBlob& blob_;
  const WriteBlobOptions& options_;
  const std::string ref_;
  const bool shared_;  // the ref is the same for every client
  std::optional<std::int64_t> other_offset_;
  steady_clock::time_point other_moved_;
};

}  // namespace

struct HashedSource::Hash {
  base::Sha256 sha256;
};

HashedSource::HashedSource(const Descriptor& descriptor, Reader reader,
                           const base::Cancellation* cancel,
                           std::function<void(std::int64_t)> on_progress)
    : descriptor_(descriptor),
      reader_(std::move(reader)),
      cancel_(cancel),
      on_progress_(std::move(on_progress)),
      hash_(std::make_unique<Hash>()) {}

HashedSource::~HashedSource() = default;

absl::StatusOr<std::size_t> HashedSource::ReadNext(char* buffer, std::size_t size) {
  if (cancel_ != nullptr && cancel_->cancelled()) {
    return absl::CancelledError("write blob " + descriptor_.digest);
  }
  const std::int64_t left = descriptor_.size - hashed_;
  if (left <= 0) return std::size_t{0};
  const std::size_t wanted = std::min(size, static_cast<std::size_t>(left));
  VX_ASSIGN_OR_RETURN(const std::size_t n, reader_(hashed_, buffer, wanted));
  if (n == 0) {
    return Error(absl::StatusCode::kFailedPrecondition, "blob {} ends at byte {} of {}",
                 descriptor_.digest, hashed_, descriptor_.size);
  }
  hash_->sha256.Update({buffer, n});
  hashed_ += static_cast<std::int64_t>(n);
  if (hashed_ == descriptor_.size) {
    if (const std::string digest = hash_->sha256.FinishDigest(); digest != descriptor_.digest) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   "blob {} is damaged: its bytes have the digest {}", descriptor_.digest, digest);
    }
  }
  return n;
}

absl::StatusOr<std::size_t> HashedSource::Read(std::int64_t offset, char* buffer,
                                               std::size_t size) {
  if (first_offset_ < 0) first_offset_ = offset;
  if (offset < hashed_) {  // the write began anew
    hash_ = std::make_unique<Hash>();
    hashed_ = 0;
  }
  std::vector<char> skipped(offset > hashed_ ? 256 * 1024 : 0);
  while (hashed_ < offset) {
    const std::size_t step = std::min(skipped.size(), static_cast<std::size_t>(offset - hashed_));
    absl::StatusOr<std::size_t> n = ReadNext(skipped.data(), step);
    if (!n.ok() || *n == 0) {
      status_ = n.status();
      return n;
    }
  }
  absl::StatusOr<std::size_t> n = ReadNext(buffer, size);
  status_ = n.status();
  if (n.ok()) on_progress_(hashed_);
  return n;
}

absl::Status WriteBlob(Client& client, const Archive& archive, const PlannedBlob& blob,
                       const WriteBlobOptions& options) {
  return Writer(client, archive, blob, options).Run();
}

bool IsResumable(const absl::Status& status) {
  return absl::IsCancelled(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsUnavailable(status);
}

}  // namespace vortex::client::importing
