// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <string.h>

#include <cerrno>
#include <string>

#include "absl/strings/cord.h"

namespace vortex {
namespace {

constexpr char kErrnoPayload[] = "vortex/errno";

absl::StatusCode CodeFor(int e) {
  switch (e) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
      return absl::StatusCode::kPermissionDenied;
    case EINVAL:
      return absl::StatusCode::kInvalidArgument;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    case ETIMEDOUT:
      return absl::StatusCode::kDeadlineExceeded;
    case ECONNREFUSED:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

std::string ErrnoName(int errno_value) {
  const char* name = ::strerrorname_np(errno_value);
  return name != nullptr ? name : fmt::format("errno {}", errno_value);
}

absl::Status ErrnoStatus(int errno_value, std::string_view what) {
  // strerrordesc_np, unlike strerror, is thread-safe and does not depend on the locale.
  const char* text = ::strerrordesc_np(errno_value);
  absl::Status status(CodeFor(errno_value),
                      fmt::format("{}: {} ({})", what, text != nullptr ? text : "unknown error",
                                  ErrnoName(errno_value)));
  status.SetPayload(kErrnoPayload, absl::Cord(std::to_string(errno_value)));
  return status;
}

std::optional<int> GetErrno(const absl::Status& status) {
  auto payload = status.GetPayload(kErrnoPayload);
  if (!payload.has_value()) return std::nullopt;
  return std::stoi(std::string(*payload));
}

absl::Status Annotate(const absl::Status& status, std::string_view prefix) {
  if (status.ok()) return status;
  absl::Status out(status.code(), fmt::format("{}: {}", prefix, Message(status)));
  status.ForEachPayload([&](auto url, const absl::Cord& payload) { out.SetPayload(url, payload); });
  return out;
}

}  // namespace vortex
