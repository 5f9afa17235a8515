// SPDX-License-Identifier: Apache-2.0
#include "audit/verify.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>

#include "audit/line.h"
#include "base/files.h"
#include "base/status.h"

namespace vortex::audit {
namespace {

// What there was at one moment; later lines are not looked at.
struct Snapshot {
  Directory dir;
  std::optional<Head> head;
  std::vector<std::string> sealed;
  base::UniqueFd active;
  std::uint64_t active_bytes = 0;
};

absl::StatusOr<Snapshot> TakeSnapshot(const std::string& directory) {
  VX_ASSIGN_OR_RETURN(Directory dir, Directory::Open(directory, /*create=*/false));
  Snapshot out{std::move(dir), {}, {}, {}, 0};
  VX_ASSIGN_OR_RETURN(const Directory::Lock lock, out.dir.TakeLock(/*shared=*/true));
  VX_ASSIGN_OR_RETURN(out.sealed, out.dir.SealedSegments());
  if (auto fd = out.dir.OpenFile(kHeadName, O_RDONLY); fd.ok()) {
    VX_ASSIGN_OR_RETURN(const std::string bytes, base::ReadFd(fd->get(), 2 * kHeadBytes, "head"));
    out.head = DecodeHead(bytes);
  }
  auto active = out.dir.OpenFile(kActiveName, O_RDONLY);
  if (!active.ok()) {
    if (absl::IsNotFound(active.status())) return out;
    return active.status();
  }
  struct stat info {};
  if (::fstat(active->get(), &info) != 0) return ErrnoStatus(errno, "fstat " + directory);
  out.active = *std::move(active);
  out.active_bytes = static_cast<std::uint64_t>(info.st_size);
  return out;
}

// False when `each` wanted no more.
absl::StatusOr<bool> ReadLinesOf(int fd, const std::string& name, std::uint64_t limit,
                                 const EachLine& each) {
  constexpr std::size_t kChunk = 1 << 20;
  std::string text;
  std::uint64_t number = 0, offset = 0;
  for (;;) {
    const std::size_t had = text.size();
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, limit - offset));
    text.resize(had + want);
    const ssize_t n =
        want == 0 ? 0 : ::pread(fd, text.data() + had, want, static_cast<off_t>(offset));
    if (n < 0) return ErrnoStatus(errno, "read " + name);
    text.resize(had + static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
    std::size_t at = 0;
    for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      if (!each(name, ++number, std::string_view(text).substr(at, end - at), true)) return false;
    }
    text.erase(0, at);
    if (n == 0) return text.empty() || each(name, ++number, text, false);
  }
}

absl::Status ReadAll(const Snapshot& snapshot, const EachLine& each) {
  for (const std::string& name : snapshot.sealed) {
    VX_ASSIGN_OR_RETURN(const base::UniqueFd fd, snapshot.dir.OpenFile(name, O_RDONLY));
    VX_ASSIGN_OR_RETURN(const bool more, ReadLinesOf(fd.get(), name, UINT64_MAX, each));
    if (!more) return absl::OkStatus();
  }
  if (!snapshot.active) return absl::OkStatus();
  return ReadLinesOf(snapshot.active.get(), kActiveName, snapshot.active_bytes, each).status();
}

struct Entry {
  LineHead head;
  std::string hash;
  std::uint64_t number = 0;
};

// A line that is none of ours.
struct Strange {
  std::uint64_t number = 0;
  std::uint64_t after_seq = 0;  // of the last entry before it in the file
  std::string sha256;
  bool explained = false;
};

class Verifier {
 public:
  Verifier(const VerifyOptions& options, std::optional<Head> head)
      : options_(options), head_(std::move(head)) {}

  bool Take(const std::string& name, std::uint64_t number, std::string_view line, bool whole) {
    if (name != file_) {
      EndFile();
      file_ = name;
      ++out_.segments;
    }
    auto parsed = whole ? ParseLineHead(line) : std::nullopt;
    if (!whole) {
      torn_ = number;
      return true;
    }
    if (!parsed) {
      strange_.push_back({number, entries_.empty() ? 0 : entries_.back().head.seq, HashOf(line)});
      return true;
    }
    if (parsed->type == "recovery" && !strange_.empty() && strange_.back().number + 1 == number &&
        line.find(R"("reason":"torn_line")") != std::string_view::npos &&
        line.find("\"sha256\":\"" + strange_.back().sha256 + "\"") != std::string_view::npos) {
      strange_.back().explained = true;
      Add(false, "torn_closed", number - 1, "a write that was cut short; the next line says so");
    }
    if (parsed->type == "recovery" &&
        line.find(R"("reason":"uncounted_lines")") != std::string_view::npos) {
      Add(false, "uncounted", number,
          "lines before this one were not counted by the head when it was written: a writer had "
          "been killed, or somebody else wrote them");
    }
    if (parsed->type == "records_lost")
      Add(false, "records_lost", number, "records could not be written before this line");
    ++out_.lines;
    std::string hash = HashOf(line);
    anchored_ = anchored_ || hash == options_.expect_head || parsed->prev == options_.expect_head;
    entries_.push_back({*std::move(parsed), std::move(hash), number});
    return true;
  }

  Verified Finish() {
    EndFile();
    out_.last_seq = last_.head.seq;
    out_.head = last_.hash;
    CheckHead();
    if (!options_.expect_head.empty() && !anchored_) {
      file_ = "";
      Add(true, "anchor_missing", 0,
          "no line has the hash " + options_.expect_head + ", which was the head once");
    }
    return std::move(out_);
  }

 private:
  void Add(bool problem, std::string kind, std::uint64_t line, std::string detail) {
    out_.findings.push_back({problem, std::move(kind), file_, line, std::move(detail)});
  }

  // A file's lines are judged in the order of their sequence, so that one line out of place is one
  // finding.
  void EndFile() {
    if (file_.empty()) return;
    std::uint64_t highest = 0;
    std::set<std::uint64_t> seen;
    for (const Entry& entry : entries_) {
      // A second one of the same sequence is told below.
      if (seen.insert(entry.head.seq).second && entry.head.seq < highest)
        Add(true, "reordered", entry.number,
            fmt::format("sequence {} stands behind {}", entry.head.seq, highest));
      highest = std::max(highest, entry.head.seq);
    }
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const Entry& a, const Entry& b) { return a.head.seq < b.head.seq; });
    bool first_of_file = true;
    // The front of a segment cannot be cut off with nobody noticing, as whole old segments may be.
    if (!entries_.empty() && entries_.front().head.type != "log_open" &&
        (strange_.empty() || strange_.front().number > entries_.front().number)) {
      Add(true, "deleted", entries_.front().number,
          "a segment begins with a log_open; what stood before this line is gone");
    }
    for (Entry& entry : entries_) {
      Follow(entry, first_of_file);
      first_of_file = false;
    }
    for (const Strange& strange : strange_)
      if (!strange.explained) Add(true, "malformed", strange.number, "not a line of an audit log");
    CheckName();
    if (torn_ != 0) {
      const bool at_the_end = file_ == kActiveName;
      Add(!at_the_end, at_the_end ? "torn" : "malformed", torn_,
          at_the_end ? "the last write was cut short; nobody has written since"
                     : "a sealed segment ends in the middle of a line");
    }
    entries_.clear();
    strange_.clear();
    torn_ = 0;
  }

  // `entry` after last_.
  void Follow(const Entry& entry, bool first_of_file) {
    const std::uint64_t seq = entry.head.seq;
    if (!begun_) {
      begun_ = true;
      out_.first_seq = seq;
      if (seq == 1 && entry.head.prev != kNoHash)
        Add(true, "edited", entry.number, "the first line of a log follows another one");
      if (seq > 1)
        Add(options_.from_start, "oldest_missing", entry.number,
            fmt::format("the log begins at sequence {}: older segments are not here", seq));
    } else if (seq <= last_.head.seq) {
      Add(true, seq == last_.head.seq ? "inserted" : "reordered", entry.number,
          fmt::format("sequence {} is there already", seq));
      return;
    } else if (seq > last_.head.seq + 1) {
      Gap(entry, first_of_file);
    } else if (entry.head.prev != last_.hash) {
      out_.findings.push_back({true, "edited", last_file_, last_.number,
                               fmt::format("its bytes do not give the hash that {}:{} has of it",
                                           file_, entry.number)});
    }
    if (head_ && seq == head_->seq && entry.hash != head_->hash)
      Add(true, "edited", entry.number, "its bytes do not give the hash that the head has of it");
    last_ = entry;
    last_file_ = file_;
  }

  void Gap(const Entry& entry, bool first_of_file) {
    const std::uint64_t missing = entry.head.seq - last_.head.seq - 1;
    // A line that was spoilt is told as such, not as missing too.
    const auto spoilt = static_cast<std::uint64_t>(
        std::count_if(strange_.begin(), strange_.end(), [&](const Strange& strange) {
          return !strange.explained && strange.number < entry.number &&
                 (strange.after_seq == last_.head.seq || strange.after_seq == 0);
        }));
    if (spoilt >= missing) return;
    Add(true, first_of_file ? "segment_missing" : "deleted", entry.number,
        fmt::format("sequence {} to {} ({} lines) should stand before this line",
                    last_.head.seq + 1, entry.head.seq - 1, missing));
  }

  void CheckName() {
    const auto range = ParseSegmentName(file_);
    if (!range) return;
    if (entries_.empty()) {
      Add(true, "deleted", 0, "a sealed segment without lines");
      return;
    }
    if (entries_.front().head.seq == range->first_seq &&
        entries_.back().head.seq == range->last_seq) {
      return;
    }
    Add(true, "deleted", 0,
        fmt::format("its lines have the sequence {} to {}, its name says otherwise",
                    entries_.front().head.seq, entries_.back().head.seq));
  }

  void CheckHead() {
    file_ = kHeadName;
    if (!head_) {
      Add(true, "head_missing", 0, "without a head file, lines may be missing at the end");
      return;
    }
    if (last_.head.seq < head_->seq) {
      file_ = kActiveName;
      Add(true, "truncated", last_file_ == kActiveName ? last_.number : 0,
          fmt::format("the last line is sequence {}, the head counts {}", last_.head.seq,
                      head_->seq));
    } else if (last_.head.seq > head_->seq) {
      file_ = last_file_;
      Add(false, "uncounted", last_.number,
          fmt::format("the head counts {} lines only: a writer died between a line and the head",
                      head_->seq));
    }
  }

  const VerifyOptions& options_;
  const std::optional<Head> head_;
  Verified out_;
  std::string file_, last_file_;
  std::vector<Entry> entries_;  // of file_
  std::vector<Strange> strange_;
  std::uint64_t torn_ = 0;
  bool begun_ = false;
  bool anchored_ = false;
  Entry last_;
};

}  // namespace

bool Verified::intact() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.problem; });
}

absl::StatusOr<Verified> Verify(const std::string& directory, const VerifyOptions& options) {
  VX_ASSIGN_OR_RETURN(Snapshot snapshot, TakeSnapshot(directory));
  Verifier verifier(options, snapshot.head);
  VX_RETURN_IF_ERROR(
      ReadAll(snapshot, [&](const std::string& name, std::uint64_t number, std::string_view line,
                            bool whole) { return verifier.Take(name, number, line, whole); }));
  return verifier.Finish();
}

absl::Status ReadLines(const std::string& directory, const EachLine& each) {
  VX_ASSIGN_OR_RETURN(const Snapshot snapshot, TakeSnapshot(directory));
  return ReadAll(snapshot, each);
}

}  // namespace vortex::audit
