// SPDX-License-Identifier: Apache-2.0
#include "client/import/tar_index.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "client/import/archive_path.h"
#include "client/import/limits.h"

namespace vortex::client::importing {
namespace {

constexpr std::int64_t kBlock = 512;

// A field of a header: up to its first NUL.
std::string_view Field(const char* block, std::size_t offset, std::size_t size) {
  return {block + offset, ::strnlen(block + offset, size)};
}

// Octal, or base-256 when the top bit of the first byte is set (GNU). Nothing for a negative or
// overlong number or for other characters.
std::optional<std::int64_t> Number(const char* block, std::size_t offset, std::size_t size) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  const auto* bytes = reinterpret_cast<const unsigned char*>(block + offset);
  std::int64_t value = 0;
  if ((bytes[0] & 0x80) != 0) {
    if ((bytes[0] & 0x40) != 0) return std::nullopt;  // negative
    value = bytes[0] & 0x3f;
    for (std::size_t i = 1; i < size; ++i) {
      if (value > (kMax >> 8)) return std::nullopt;
      value = (value << 8) | bytes[i];
    }
    return value;
  }
  std::string_view text(block + offset, size);
  const std::size_t start = text.find_first_not_of(' ');
  if (start == std::string_view::npos) return 0;
  text.remove_prefix(start);
  std::size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '7'; ++i) {
    if (value > (kMax >> 3)) return std::nullopt;
    value = (value << 3) | (text[i] - '0');
  }
  for (; i < text.size(); ++i) {
    if (text[i] != ' ' && text[i] != '\0') return std::nullopt;
  }
  return value;
}

bool IsZero(const char* block) {
  for (std::int64_t i = 0; i < kBlock; ++i) {
    if (block[i] != 0) return false;
  }
  return true;
}

// What 'x', 'g', 'L' and 'K' records say about the entry that follows them.
struct Overrides {
  std::optional<std::string> path;
  std::optional<std::string> link;
  std::optional<std::int64_t> size;
};

class Reader {
 public:
  Reader(int fd, std::int64_t size, const std::string& name, const base::Cancellation* cancel)
      : fd_(fd), size_(size), name_(name), cancel_(cancel) {}

  absl::StatusOr<TarIndex> Run() {
    std::size_t entries = 0;
    while (true) {
      if (cancel_ != nullptr && cancel_->cancelled()) return absl::CancelledError("read " + name_);
      char block[kBlock];
      if (position_ == size_)
        return Damaged("ends without an end-of-archive block, so it was cut short");
      VX_RETURN_IF_ERROR(ReadAt(position_, block, sizeof block));
      if (IsZero(block)) break;  // what follows the first of the two is padding
      if (!LooksLikeTar(block)) return Damaged("no tar header (checksum wrong)");
      if (++entries > kMaxTarEntries) return Damaged("more than {} entries", kMaxTarEntries);
      VX_RETURN_IF_ERROR(Entry(block));
    }
    return std::move(index_);
  }

 private:
  template <typename... Args>
  absl::Status Damaged(fmt::format_string<Args...> format, Args&&... args) {
    return InvalidArgument("tar {}, byte {}: {}", name_, position_,
                           fmt::format(format, std::forward<Args>(args)...));
  }

  absl::Status ReadAt(std::int64_t offset, char* out, std::size_t count) {
    while (count > 0) {
      const ssize_t n = ::pread(fd_, out, count, offset);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoStatus(errno, fmt::format("read {}", name_));
      if (n == 0) return Damaged("cut short");
      out += n;
      offset += n;
      count -= static_cast<std::size_t>(n);
    }
    return absl::OkStatus();
  }

  absl::Status Entry(const char* block) {
    const char type = block[156];
    const std::optional<std::int64_t> header_size = Number(block, 124, 12);
    if (!header_size) return Damaged("size field is not a number");
    const bool meta = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    // POSIX: a pax size replaces the header's, and only for the entry it belongs to.
    std::int64_t size = !meta && next_.size ? *next_.size : *header_size;
    // Links and directories have no data, whatever their size says (GNU tar writes the target's
    // size).
    if (type == '1' || type == '2' || type == '5') size = 0;
    const std::int64_t data = position_ + kBlock;
    if (size > size_ - data) {
      return Damaged("entry \"{}\" has {} bytes but only {} follow: the archive was cut short",
                     Printable(HeaderName(block)), size, size_ - data);
    }
    const std::int64_t padded = (size + kBlock - 1) / kBlock * kBlock;
    if (meta) {
      VX_RETURN_IF_ERROR(Meta(type, data, size));
    } else {
      VX_RETURN_IF_ERROR(Add(block, type, data, size));
      next_ = {};
    }
    // The last block may lack its padding only when nothing follows, which Run() reports as cut
    // short.
    position_ = padded > size_ - data ? size_ : data + padded;
    return absl::OkStatus();
  }

  std::string HeaderName(const char* block) const {
    std::string name(Field(block, 0, 100));
    // "ustar\0" is POSIX and has a prefix field; "ustar  " is GNU, which keeps other things there.
    if (std::memcmp(block + 257, "ustar\0", 6) == 0) {
      const std::string_view prefix = Field(block, 345, 155);
      if (!prefix.empty()) name = std::string(prefix) + "/" + name;
    }
    return name;
  }

  absl::Status Add(const char* block, char type, std::int64_t data, std::int64_t size) {
    const std::string raw = next_.path ? *next_.path : HeaderName(block);
    absl::StatusOr<std::string> path = NormaliseArchivePath(raw);
    if (!path.ok()) return Damaged("{}", Message(path.status()));
    TarEntry entry;
    switch (type) {
      case '\0':
      case '0':
      case '7':
        // Old tars mark a directory by a slash at the end of a regular file's name.
        if (!raw.empty() && raw.back() == '/') return absl::OkStatus();
        entry.kind = TarEntry::Kind::kFile;
        entry.offset = data;
        entry.size = size;
        break;
      case '1':
      case '2':
        entry.kind = type == '1' ? TarEntry::Kind::kHardlink : TarEntry::Kind::kSymlink;
        entry.link = next_.link ? *next_.link : std::string(Field(block, 157, 100));
        break;
      case 'S':
        return Damaged("\"{}\" is a sparse file, which image archives do not use",
                       Printable(*path));
      default:
        return absl::OkStatus();
    }
    if (path->empty()) return Damaged("a file without a name");
    const auto [at, added] = index_.emplace(*path, std::move(entry));
    // Readers differ on which of two wins; an image must not depend on the reader.
    if (!added) return Damaged("\"{}\" is in the archive twice", Printable(at->first));
    return absl::OkStatus();
  }

  absl::Status Meta(char type, std::int64_t data, std::int64_t size) {
    const auto limit =
        static_cast<std::int64_t>(type == 'L' || type == 'K' ? kMaxNameBytes + 1 : kMaxPaxBytes);
    if (size > limit)
      return Damaged("extended header of {} bytes, at most {} are allowed", size, limit);
    std::string body(static_cast<std::size_t>(size), '\0');
    VX_RETURN_IF_ERROR(ReadAt(data, body.data(), body.size()));
    if (type == 'L' || type == 'K') {
      (type == 'L' ? next_.path : next_.link) = body.substr(0, body.find('\0'));
      return absl::OkStatus();
    }
    return Pax(body, type == 'g');
  }

  // Records "<length> <key>=<value>\n", length counting the whole record.
  absl::Status Pax(std::string_view body, bool global) {
    while (!body.empty()) {
      std::size_t length = 0;
      std::size_t digits = 0;
      while (digits < body.size() && digits < 8 && body[digits] >= '0' && body[digits] <= '9') {
        length = length * 10 + static_cast<std::size_t>(body[digits++] - '0');
      }
      if (digits == 0 || digits >= body.size() || body[digits] != ' ' || length > body.size() ||
          length < digits + 3 || body[length - 1] != '\n') {
        return Damaged("bad record in a pax header");
      }
      const std::string_view record = body.substr(digits + 1, length - digits - 2);
      body.remove_prefix(length);
      const std::size_t equals = record.find('=');
      if (equals == std::string_view::npos) return Damaged("pax record without \"=\"");
      VX_RETURN_IF_ERROR(PaxRecord(record.substr(0, equals), record.substr(equals + 1), global));
    }
    return absl::OkStatus();
  }

  absl::Status PaxRecord(std::string_view key, std::string_view value, bool global) {
    const bool names_entry = key == "path" || key == "linkpath" || key == "size";
    if (key.substr(0, 11) == "GNU.sparse.")
      return Damaged("sparse files are not used by image archives");
    if (global && names_entry) return Damaged("global pax header sets \"{}\"", key);
    if (key == "path") next_.path = std::string(value);
    if (key == "linkpath") next_.link = std::string(value);
    if (key == "size") {
      std::int64_t size = 0;
      if (value.empty() || value.size() > 18) return Damaged("pax size \"{}\"", Printable(value));
      for (const char c : value) {
        if (c < '0' || c > '9') return Damaged("pax size \"{}\" is not a number", Printable(value));
        size = size * 10 + (c - '0');
      }
      next_.size = size;
    }
    return absl::OkStatus();
  }

  const int fd_;
  const std::int64_t size_;
  const std::string& name_;
  const base::Cancellation* cancel_;
  std::int64_t position_ = 0;
  Overrides next_;
  TarIndex index_;
};

}  // namespace

bool LooksLikeTar(const char* block) {
  const std::optional<std::int64_t> expected = Number(block, 148, 8);
  if (!expected) return false;
  std::int64_t sum = 0;
  for (int i = 0; i < kBlock; ++i) {
    // POSIX: the checksum field itself counts as blanks.
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum == *expected;
}

absl::StatusOr<TarIndex> IndexTar(int fd, std::int64_t file_size, const std::string& name,
                                  const base::Cancellation* cancel) {
  if (file_size == 0) return InvalidArgument("tar {}: the file is empty", name);
  return Reader(fd, file_size, name, cancel).Run();
}

}  // namespace vortex::client::importing
