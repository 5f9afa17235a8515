// SPDX-License-Identifier: Apache-2.0
#include "audit/segment_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "base/status.h"

namespace vortex::audit {
namespace {

// For some fifty runs' last records at once.
constexpr off_t kReserveBytes = 256 * 1024;

WallTime Now() { return std::chrono::system_clock::now(); }

std::string NodeName() {
  char name[256] = {};
  ::gethostname(name, sizeof(name) - 1);
  return name;
}

}  // namespace

SegmentWriter::~SegmentWriter() {
  if (dirty_ && options_.fsync == Fsync::kInterval && active_) ::fdatasync(active_.get());
}

absl::StatusOr<Position> SegmentWriter::Append(const std::vector<Pending>& lines,
                                               bool use_reserve) {
  VX_RETURN_IF_ERROR(Open());
  VX_ASSIGN_OR_RETURN(const Directory::Lock lock, dir_->TakeLock());
  VX_RETURN_IF_ERROR(Load());
  absl::StatusOr<Position> position = AppendLocked(lines, use_reserve);
  if (!position.ok() && !lines.empty()) {
    // Overwrites bytes that are there, which a full disk allows on most file systems.
    head_.lost += lines.size();
    WriteHead().IgnoreError();
  }
  return position;
}

absl::Status SegmentWriter::Open() {
  if (dir_ && !dir_->Replaced()) return absl::OkStatus();
  dir_.reset();
  head_fd_.Reset();
  active_.Reset();
  head_bytes_.clear();
  VX_ASSIGN_OR_RETURN(dir_, Directory::Open(options_.directory, /*create=*/true));
  return absl::OkStatus();
}

absl::StatusOr<Position> SegmentWriter::AppendLocked(const std::vector<Pending>& lines,
                                                     bool use_reserve) {
  spend_reserve_ = use_reserve;
  if (!use_reserve) VX_RETURN_IF_ERROR(HoldReserve());
  const WallTime now = Now();
  constexpr std::size_t kAround = 256;  // what MakeLine puts around the fields
  std::uint64_t wanted = 0;
  for (const Pending& line : lines) wanted += line.event.fields.size() + kAround;
  const auto age = now.time_since_epoch() - std::chrono::nanoseconds(head_.began_unix_ns);
  const bool full = head_.bytes + wanted > options_.segment_bytes;
  // What a killed writer left is told first, in the segment where it stands.
  if (head_.bytes > 0 && notes_.empty() && !lines.empty() && (full || age > options_.segment_age)) {
    VX_RETURN_IF_ERROR(Seal());
  }
  next_ = head_;
  if (head_.bytes == 0) VX_RETURN_IF_ERROR(BeginSegment());
  for (const Event& note : notes_) VX_RETURN_IF_ERROR(Add(now, note));
  if (head_.lost > 0 && !lines.empty()) {
    VX_RETURN_IF_ERROR(Add(now, {"records_lost", fmt::format(R"("node":{},"count":{})",
                                                             JsonText(NodeName()), head_.lost)}));
    next_.lost = 0;
  }
  for (const Pending& line : lines) VX_RETURN_IF_ERROR(Add(line.time, line.event));
  if (next_.seq != head_.seq) VX_RETURN_IF_ERROR(FlushBuffer());
  notes_.clear();
  return Position{head_.seq, head_.hash};
}

absl::Status SegmentWriter::BeginSegment() {
  ++next_.segment;
  next_.first_seq = next_.seq + 1;
  const WallTime now = Now();
  next_.began_unix_ns = now.time_since_epoch().count();
  return Add(now, {"log_open", fmt::format(R"("log_id":"{}","segment":{},"node":{})", next_.log_id,
                                           next_.segment, JsonText(NodeName()))});
}

absl::Status SegmentWriter::Seal() {
  next_ = head_;
  VX_RETURN_IF_ERROR(Add(
      Now(),
      {"segment_seal", fmt::format(R"("log_id":"{}","segment":{},"first_seq":{},"last_seq":{})",
                                   head_.log_id, head_.segment, head_.first_seq, head_.seq + 1)}));
  next_.sealed = true;
  VX_RETURN_IF_ERROR(FlushBuffer());
  if (options_.fsync != Fsync::kNever && ::fdatasync(active_.get()) != 0)
    return ErrnoStatus(errno, fmt::format("fdatasync {}", dir_->PathOf(kActiveName)));
  VX_RETURN_IF_ERROR(RenameSealed());
  return OpenActive();
}

absl::Status SegmentWriter::RenameSealed() {
  const absl::Status renamed = dir_->Rename(kActiveName, SegmentName(head_.first_seq, head_.seq));
  // Both say that somebody has renamed it already and died before the head could tell.
  const bool done = absl::IsNotFound(renamed) || absl::IsAlreadyExists(renamed);
  if (!renamed.ok() && !done) return renamed;
  if (options_.fsync != Fsync::kNever) VX_RETURN_IF_ERROR(dir_->Sync());
  active_.Reset();
  dirty_ = false;
  head_.sealed = false;
  head_.bytes = 0;
  head_.first_seq = head_.seq + 1;
  head_.began_unix_ns = 0;
  return WriteHead();
}

absl::Status SegmentWriter::HoldReserve() {
  VX_ASSIGN_OR_RETURN(const base::UniqueFd fd, dir_->OpenFile(kReserveName, O_RDWR | O_CREAT));
  struct stat info {};
  if (::fstat(fd.get(), &info) == 0 && info.st_size == kReserveBytes) return absl::OkStatus();
  // Allocates blocks; a file system that cannot has no reserve, and is as good as without one.
  if (::fallocate(fd.get(), 0, 0, kReserveBytes) == 0 || errno == EOPNOTSUPP)
    return absl::OkStatus();
  const int error = errno;
  if (::ftruncate(fd.get(), 0) != 0) return ErrnoStatus(errno, "ftruncate reserve");
  return ErrnoStatus(error,
                     fmt::format("keep {} bytes in {}", kReserveBytes, dir_->PathOf(kReserveName)));
}

void SegmentWriter::SpendReserve() {
  const auto fd = dir_->OpenFile(kReserveName, O_WRONLY);
  // Without it the second try fails as the first did, and that is what is reported.
  if (fd.ok() && ::ftruncate(fd->get(), 0) != 0) return;
}

absl::Status SegmentWriter::Add(WallTime time, const Event& event) {
  const std::string line = MakeLine(next_.seq + 1, next_.hash, time, event);
  if (line.size() >= kMaxLineBytes) {
    return InvalidArgument("audit record {}: {} bytes, at most {} are written", event.type,
                           line.size(), kMaxLineBytes - 1);
  }
  ++next_.seq;
  next_.hash = HashOf(line);
  buffer_ += line;
  buffer_ += '\n';
  return absl::OkStatus();
}

absl::Status SegmentWriter::FlushBuffer() {
  const std::string path = dir_->PathOf(kActiveName);
  const std::uint64_t before = head_.bytes + foreign_;
  next_.bytes = before + buffer_.size();
  absl::Status written = base::WriteAll(active_.get(), buffer_, path);
  if (GetErrno(written) == ENOSPC && spend_reserve_) {
    if (::ftruncate(active_.get(), static_cast<off_t>(before)) != 0)
      return ErrnoStatus(errno, fmt::format("ftruncate {}", path));
    SpendReserve();
    written = base::WriteAll(active_.get(), buffer_, path);
  }
  buffer_.clear();
  if (!written.ok()) {
    // A part of it may be there. Nobody has been told of it, and we hold the lock.
    if (::ftruncate(active_.get(), static_cast<off_t>(before)) != 0)
      return ErrnoStatus(errno, fmt::format("ftruncate {}", path));
    return written;
  }
  dirty_ = true;
  const absl::Status synced = SyncActive(Now());
  head_ = next_;
  foreign_ = 0;
  VX_RETURN_IF_ERROR(WriteHead());
  return synced;
}

absl::Status SegmentWriter::SyncActive(WallTime now) {
  const std::int64_t now_ns = now.time_since_epoch().count();
  const bool due =
      options_.fsync == Fsync::kAlways ||
      (options_.fsync == Fsync::kInterval &&
       std::chrono::nanoseconds(now_ns - next_.synced_unix_ns) >= options_.fsync_interval);
  if (!due) return absl::OkStatus();
  if (::fdatasync(active_.get()) != 0)
    return ErrnoStatus(errno, fmt::format("fdatasync {}", dir_->PathOf(kActiveName)));
  next_.synced_unix_ns = now_ns;
  dirty_ = false;
  return absl::OkStatus();
}

absl::Status SegmentWriter::WriteHead() {
  std::string bytes = EncodeHead(head_);
  if (::pwrite(head_fd_.get(), bytes.data(), bytes.size(), 0) !=
      static_cast<ssize_t>(bytes.size())) {
    return ErrnoStatus(errno, fmt::format("write {}", dir_->PathOf(kHeadName)));
  }
  head_bytes_ = std::move(bytes);
  return absl::OkStatus();
}

}  // namespace vortex::audit
