// SPDX-License-Identifier: Apache-2.0
#include "shim/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <limits>

#include "base/unique_fd.h"

namespace vortex::shim {

std::optional<std::string> ReadFile(const std::string& path, std::size_t limit) {
  return ReadFileAt(AT_FDCWD, path.c_str(), limit);
}

std::optional<std::string> ReadFileAt(int dir_fd, const char* path, std::size_t limit) {
  const base::UniqueFd fd(::openat(dir_fd, path, O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::string out;
  char buffer[4096];
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) return out;
    if (out.size() + static_cast<std::size_t>(count) > limit) {
      errno = EFBIG;
      return std::nullopt;
    }
    out.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string ReadFd(int fd, std::size_t limit, off_t offset) {
  std::string out;
  char buffer[4096];
  while (out.size() < limit) {
    const ssize_t count =
        ::pread(fd, buffer, sizeof buffer, offset + static_cast<off_t>(out.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    out.append(buffer, static_cast<std::size_t>(count));
  }
  if (out.size() > limit) out.resize(limit);
  return out;
}

int WriteFileAtomic(const std::string& path, std::string_view bytes, mode_t mode) {
  // O_EXCL refuses a link that someone put there; one process writes a bundle, so one name is
  // enough.
  const std::string temporary = path + ".tmp" + std::to_string(::getpid());
  ::unlink(temporary.c_str());
  base::UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd) return errno;
  ::fchmod(fd.get(), mode);
  const auto fail = [&temporary](int error) {
    ::unlink(temporary.c_str());
    return error;
  };
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(count < 0 ? errno : EIO);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(errno);
  return 0;
}

int WriteExisting(const std::string& path, std::string_view bytes) {
  const base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return errno;
  const ssize_t count = ::write(fd.get(), bytes.data(), bytes.size());
  if (count < 0) return errno;
  return static_cast<std::size_t>(count) == bytes.size() ? 0 : EIO;
}

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  text = Trim(text);
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  if (text.starts_with("max")) return kMax;
  std::uint64_t value = 0;
  std::size_t digits = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') break;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) return kMax;
    value = value * 10 + digit;
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  return value;
}

std::string_view Trim(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view NextLine(std::string_view* text) {
  const std::size_t end = text->find('\n');
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return line;
}

std::int64_t NowUnixNs() {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

}  // namespace vortex::shim
