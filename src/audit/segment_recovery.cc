// SPDX-License-Identifier: Apache-2.0
// The part of SegmentWriter that finds out where the log ends.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "audit/segment_writer.h"
#include "base/files.h"
#include "base/status.h"

namespace vortex::audit {
namespace {

// Larger segments than this are not read back into memory.
constexpr std::size_t kMaxSegmentBytes = 2048ULL << 20;

absl::StatusOr<std::string> ReadAt(int fd, std::uint64_t from, std::uint64_t size,
                                   const std::string& name) {
  if (size > kMaxSegmentBytes)
    return Error(absl::StatusCode::kOutOfRange, "read {}: {} bytes", name, size);
  std::string out(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::pread(fd, out.data() + done, size - done, static_cast<off_t>(from + done));
    if (n < 0) return ErrnoStatus(errno, fmt::format("read {}", name));
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  out.resize(done);
  return out;
}

struct Linked {
  bool linked = false;
  std::uint64_t size = 0;
};

Linked StatOf(int fd) {
  struct stat info {};
  if (fd < 0 || ::fstat(fd, &info) != 0) return {};
  return {info.st_nlink > 0, static_cast<std::uint64_t>(info.st_size)};
}

}  // namespace

absl::Status SegmentWriter::Load() {
  buffer_.clear();
  if (!StatOf(head_fd_.get()).linked) {
    VX_ASSIGN_OR_RETURN(head_fd_, dir_->OpenFile(kHeadName, O_RDWR | O_CREAT));
    head_bytes_.clear();
  }
  VX_ASSIGN_OR_RETURN(const std::string bytes,
                      ReadAt(head_fd_.get(), 0, kHeadBytes, dir_->PathOf(kHeadName)));
  if (!bytes.empty() && bytes == head_bytes_) {
    const Linked active = StatOf(active_.get());
    if (active.linked && active.size == head_.bytes) return absl::OkStatus();
  }
  VX_RETURN_IF_ERROR(LoadHead(bytes));
  if (head_.sealed) VX_RETURN_IF_ERROR(RenameSealed());
  VX_RETURN_IF_ERROR(OpenActive());
  if (!head_.sealed) return absl::OkStatus();
  // The seal was among the lines that had not been counted.
  VX_RETURN_IF_ERROR(RenameSealed());
  return OpenActive();
}

absl::Status SegmentWriter::LoadHead(const std::string& bytes) {
  notes_.clear();
  if (auto head = DecodeHead(bytes)) {
    head_ = *std::move(head);
    head_bytes_ = bytes;
    return absl::OkStatus();
  }
  head_ = Head();
  head_.log_id = base::RandomHex(16);
  head_.hash = kNoHash;
  head_.first_seq = 1;
  return RebuildHead();
}

absl::Status SegmentWriter::RebuildHead() {
  VX_ASSIGN_OR_RETURN(const std::vector<std::string> sealed, dir_->SealedSegments());
  const auto active = dir_->OpenFile(kActiveName, O_RDONLY);
  const bool has_active = active.ok() && StatOf(active->get()).size > 0;
  // Nothing there at all: a new log.
  if (!has_active && sealed.empty()) return WriteHead();
  const std::string name = has_active ? kActiveName : sealed.back();
  VX_ASSIGN_OR_RETURN(const base::UniqueFd fd, dir_->OpenFile(name, O_RDONLY));
  VX_ASSIGN_OR_RETURN(const std::string text,
                      ReadAt(fd.get(), 0, StatOf(fd.get()).size, dir_->PathOf(name)));
  std::size_t at = 0;
  for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string_view line = std::string_view(text).substr(at, end - at);
    const auto parsed = ParseLineHead(line);
    if (!parsed) break;
    if (parsed->type == "log_open") {
      const auto json = nlohmann::json::parse(line, nullptr, false);
      if (json.is_object() && json["log_id"].is_string()) json["log_id"].get_to(head_.log_id);
      if (json.is_object() && json["segment"].is_number()) json["segment"].get_to(head_.segment);
      head_.first_seq = parsed->seq;
    }
    head_.seq = parsed->seq;
    head_.hash = HashOf(line);
    head_.sealed = parsed->type == "segment_seal";
  }
  head_.bytes = has_active ? at : 0;
  if (!has_active) {
    head_.sealed = false;
    head_.first_seq = head_.seq + 1;
  }
  Note("head_missing", "");
  return absl::OkStatus();
}

absl::Status SegmentWriter::OpenActive() {
  VX_ASSIGN_OR_RETURN(active_, dir_->OpenFile(kActiveName, O_RDWR | O_APPEND | O_CREAT));
  foreign_ = 0;
  const std::uint64_t size = StatOf(active_.get()).size;
  if (size == head_.bytes) return absl::OkStatus();
  if (size > head_.bytes) return AdoptTail(size);
  // Somebody has cut it. The sequence goes on from the head's, so that the gap stays.
  Note("segment_truncated",
       fmt::format(R"("bytes_found":{},"bytes_counted":{})", size, head_.bytes));
  head_.bytes = size;
  if (size == 0) return absl::OkStatus();
  VX_ASSIGN_OR_RETURN(const std::string last,
                      ReadAt(active_.get(), size - 1, 1, dir_->PathOf(kActiveName)));
  if (last != "\n") buffer_ = "\n";
  return absl::OkStatus();
}

absl::Status SegmentWriter::AdoptTail(std::uint64_t size) {
  const std::string path = dir_->PathOf(kActiveName);
  VX_ASSIGN_OR_RETURN(const std::string tail,
                      ReadAt(active_.get(), head_.bytes, size - head_.bytes, path));
  std::size_t at = 0;
  const std::uint64_t counted = head_.seq;
  for (std::size_t end; (end = tail.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string_view line = std::string_view(tail).substr(at, end - at);
    const auto parsed = ParseLineHead(line);
    if (!parsed || parsed->seq != head_.seq + 1 || parsed->prev != head_.hash) break;
    if (head_.bytes == 0 && at == 0) {
      ++head_.segment;
      head_.first_seq = parsed->seq;
      head_.began_unix_ns = std::chrono::system_clock::now().time_since_epoch().count();
    }
    head_.seq = parsed->seq;
    head_.hash = HashOf(line);
    head_.sealed = parsed->type == "segment_seal";
    if (parsed->type == "records_lost") head_.lost = 0;
  }
  head_.bytes += at;
  // A killed writer's, or those of somebody who can write the file and not the head.
  if (head_.seq > counted) {
    Note("uncounted_lines", fmt::format(R"("first_seq":{},"last_seq":{})", counted + 1, head_.seq));
  }
  const std::string_view rest = std::string_view(tail).substr(at);
  if (!rest.empty()) {
    const bool torn = rest.find('\n') == std::string_view::npos;
    // Kept, closed off with a line feed, and told by the next line, digest and all.
    const std::string_view told =
        rest.substr(0, rest.ends_with('\n') ? rest.size() - 1 : rest.size());
    Note(torn ? "torn_line" : "foreign_lines",
         fmt::format(R"("bytes":{},"sha256":"{}")", told.size(), HashOf(told)));
    if (!rest.ends_with('\n')) buffer_ = "\n";
    foreign_ = rest.size();
  }
  return WriteHead();
}

void SegmentWriter::Note(std::string_view reason, const std::string& more_fields) {
  notes_.push_back({"recovery", fmt::format(R"("reason":"{}"{}{})", reason,
                                            more_fields.empty() ? "" : ",", more_fields)});
}

}  // namespace vortex::audit
