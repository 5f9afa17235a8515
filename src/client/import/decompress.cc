// SPDX-License-Identifier: Apache-2.0
#include "client/import/decompress.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/status.h"
#include "client/import/limits.h"

namespace vortex::client::importing {
namespace {

constexpr std::size_t kChunk = 256 * 1024;

// Reads the source in chunks from its start and writes to the temporary file with the size limit.
class Pump {
 public:
  Pump(int in, int out, const std::string& name, const std::string& directory,
       const base::Cancellation* cancel)
      : in_(in), out_(out), name_(name), directory_(directory), cancel_(cancel), buffer_(kChunk) {}

  // The next chunk of input; empty at the end.
  absl::StatusOr<std::string_view> Read() {
    if (cancel_ != nullptr && cancel_->cancelled()) return absl::CancelledError("expand " + name_);
    ssize_t n = 0;
    do {
      n = ::pread(in_, buffer_.data(), buffer_.size(), position_);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return ErrnoStatus(errno, fmt::format("read {}", name_));
    position_ += n;
    return std::string_view(buffer_.data(), static_cast<std::size_t>(n));
  }

  absl::Status Write(const char* data, std::size_t size) {
    // A bomb makes gigabytes of a few bytes of input: the loop over input alone is not enough.
    if (cancel_ != nullptr && cancel_->cancelled()) return absl::CancelledError("expand " + name_);
    written_ += static_cast<std::int64_t>(size);
    if (written_ > kMaxExpandedBytes) {
      return InvalidArgument("{}: expands to more than {} bytes", name_, kMaxExpandedBytes);
    }
    return base::WriteAll(out_, {data, size}, fmt::format("temporary file in {}", directory_));
  }

  absl::Status Bad(std::string_view format, std::string_view why) const {
    return InvalidArgument("{}: {} data: {}", name_, format, why);
  }

 private:
  const int in_;
  const int out_;
  const std::string& name_;
  const std::string& directory_;
  const base::Cancellation* cancel_;
  std::vector<char> buffer_;
  off_t position_ = 0;
  std::int64_t written_ = 0;
};

absl::Status Gunzip(Pump& pump) {
  z_stream stream{};
  // 15: the largest window; + 16: a gzip header is required.
  if (inflateInit2(&stream, 15 + 16) != Z_OK)
    return absl::ResourceExhaustedError("zlib: no memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  std::vector<char> out(kChunk);
  bool inside = true;
  while (true) {
    VX_ASSIGN_OR_RETURN(const std::string_view in, pump.Read());
    if (in.empty()) return inside ? pump.Bad("gzip", "cut short") : absl::OkStatus();
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream.avail_in = static_cast<uInt>(in.size());
    while (true) {
      if (!inside) {
        // RFC 1952 2.2: members follow each other; anything else after a member is padding.
        if (stream.avail_in == 0) break;
        if (*stream.next_in != 0x1f) return absl::OkStatus();
        inflateReset(&stream);
        inside = true;
      }
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = static_cast<uInt>(out.size());
      const int code = inflate(&stream, Z_NO_FLUSH);
      VX_RETURN_IF_ERROR(pump.Write(out.data(), out.size() - stream.avail_out));
      if (code == Z_STREAM_END) {
        inside = false;
      } else if (code == Z_BUF_ERROR) {
        break;  // needs more input
      } else if (code != Z_OK) {
        return pump.Bad("gzip", stream.msg != nullptr ? stream.msg : "damaged");
      }
    }
  }
}

absl::Status Unzstd(Pump& pump) {
  const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                             ZSTD_freeDStream);
  if (stream == nullptr) return absl::ResourceExhaustedError("zstd: no memory");
  std::vector<char> out(kChunk);
  std::size_t pending = 1;  // 0 between frames
  while (true) {
    VX_ASSIGN_OR_RETURN(const std::string_view chunk, pump.Read());
    if (chunk.empty()) return pending != 0 ? pump.Bad("zstd", "cut short") : absl::OkStatus();
    ZSTD_inBuffer in{chunk.data(), chunk.size(), 0};
    bool more_out = false;
    while (in.pos < in.size || more_out) {
      ZSTD_outBuffer to{out.data(), out.size(), 0};
      pending = ZSTD_decompressStream(stream.get(), &to, &in);
      if (ZSTD_isError(pending)) return pump.Bad("zstd", ZSTD_getErrorName(pending));
      VX_RETURN_IF_ERROR(pump.Write(out.data(), to.pos));
      more_out = pending != 0 && to.pos == to.size;
    }
  }
}

absl::StatusOr<base::UniqueFd> OpenTemporary(const std::string& directory) {
  absl::StatusOr<base::UniqueFd> out = base::OpenFile(directory, O_TMPFILE | O_RDWR, 0600);
  const int error = out.ok() ? 0 : GetErrno(out.status()).value_or(0);
  // open(2): the file system has no O_TMPFILE (overlayfs before Linux 6.1, so most containers), or
  // the kernel.
  if (error != EOPNOTSUPP && error != EISDIR) return out;
  std::string path = directory + "/vortex-import-XXXXXX";
  base::UniqueFd named(::mkostemp(path.data(), O_CLOEXEC));
  if (!named) return ErrnoStatus(errno, fmt::format("create {}", path));
  ::unlink(path.c_str());
  return named;
}

}  // namespace

Compression DetectCompression(std::string_view head) {
  const auto starts = [head](std::string_view magic) {
    return head.substr(0, magic.size()) == magic;
  };
  if (starts("\x1f\x8b")) return Compression::kGzip;
  if (starts("\x28\xb5\x2f\xfd")) return Compression::kZstd;
  if (starts("BZh") || starts("\xfd\x37zXZ")) return Compression::kUnsupported;
  return Compression::kNone;
}

absl::StatusOr<base::UniqueFd> ExpandToTemporary(int fd, Compression compression,
                                                 const std::string& name,
                                                 const base::Cancellation* cancel) {
  const char* configured = std::getenv("TMPDIR");
  const std::string directory =
      configured != nullptr && *configured != '\0' ? configured : "/var/tmp";
  VX_ASSIGN_OR_RETURN(base::UniqueFd out, OpenTemporary(directory));
  Pump pump(fd, out.get(), name, directory, cancel);
  VX_RETURN_IF_ERROR(compression == Compression::kGzip ? Gunzip(pump) : Unzstd(pump));
  return out;
}

}  // namespace vortex::client::importing
