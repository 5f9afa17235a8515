// SPDX-License-Identifier: Apache-2.0
// absl::Status helpers that neither Debian release ships: errors with errno kept, formatting with
// fmt, and the two early-return macros. Part of the target vortex_status, not of vortex_base: the
// shim links no Abseil.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vortex {

// Error(absl::StatusCode::kNotFound, "image {}: not there", name)
template <typename... Args>
absl::Status Error(absl::StatusCode code, fmt::format_string<Args...> format, Args&&... args) {
  return absl::Status(code, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
absl::Status InvalidArgument(fmt::format_string<Args...> format, Args&&... args) {
  return Error(absl::StatusCode::kInvalidArgument, format, std::forward<Args>(args)...);
}

// The status for a failed system call: message "<what>: <strerror> (<NAME>)", the code that fits
// the errno, and the errno itself, which GetErrno reads back.
//   ENOENT → NotFound, EEXIST → AlreadyExists, EACCES/EPERM → PermissionDenied, EINVAL →
//   InvalidArgument, ENOSPC/EDQUOT/EMFILE/ENFILE/ENOMEM → ResourceExhausted, ETIMEDOUT →
//   DeadlineExceeded, ECONNREFUSED → Unavailable, the rest → Internal.
absl::Status ErrnoStatus(int errno_value, std::string_view what);
std::optional<int> GetErrno(const absl::Status& status);

// "ENOSPC" for 28; "errno 999" for one without a name.
std::string ErrnoName(int errno_value);

// status.message() as a std::string_view (Debian's absl::string_view is a type of its own).
inline std::string_view Message(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

// The same error with "<prefix>: " before its message; code and payloads stay.
absl::Status Annotate(const absl::Status& status, std::string_view prefix);

}  // namespace vortex

#define VX_CONCAT_INNER_(a, b) a##b
#define VX_CONCAT_(a, b) VX_CONCAT_INNER_(a, b)

#define VX_RETURN_IF_ERROR(expr)                                               \
  do {                                                                         \
    if (absl::Status vx_status_ = (expr); !vx_status_.ok()) return vx_status_; \
  } while (false)

#define VX_ASSIGN_OR_RETURN(lhs, expr) \
  VX_ASSIGN_OR_RETURN_IMPL_(VX_CONCAT_(vx_statusor_, __LINE__), lhs, expr)
#define VX_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                              \
  if (!tmp.ok()) return std::move(tmp).status();  \
  lhs = std::move(tmp).value()
