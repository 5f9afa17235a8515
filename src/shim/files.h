// SPDX-License-Identifier: Apache-2.0
// Small files: bundle state, cgroupfs, procfs. Errors are errno values; 0 is success.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vortex::shim {

// At most `limit` bytes; nothing when it cannot be read or is larger (errno is EFBIG then).
std::optional<std::string> ReadFile(const std::string& path, std::size_t limit);
std::optional<std::string> ReadFileAt(int dir_fd, const char* path, std::size_t limit);
// The first `limit` bytes from `offset` on of an open file.
std::string ReadFd(int fd, std::size_t limit, off_t offset = 0);

// Temporary file beside it, then rename(2). Never through a symbolic link at `path`.
[[nodiscard]] int WriteFileAtomic(const std::string& path, std::string_view bytes, mode_t mode);
// One write(2) to an existing file, as cgroupfs and procfs want it.
[[nodiscard]] int WriteExisting(const std::string& path, std::string_view bytes);

// The number at the start of `text`; "max" is UINT64_MAX.
std::optional<std::uint64_t> ParseNumber(std::string_view text);

std::string_view Trim(std::string_view text);
std::vector<std::string_view> Split(std::string_view text, char separator);
// Removes the first line from *text and returns it without its newline.
std::string_view NextLine(std::string_view* text);

std::int64_t NowUnixNs();

}  // namespace vortex::shim
