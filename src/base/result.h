// SPDX-License-Identifier: Apache-2.0
// Value or errno, for code that must stay free of Abseil (the shim) and for thin system call
// wrappers.
#pragma once

#include <optional>
#include <utility>

namespace vortex::base {

// What failed: an errno and a static string naming the step ("openat2"). Never allocates.
struct Errno {
  int value = 0;
  const char* step = "";
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit by design, as absl::StatusOr
  Result(Errno error) : error_(error) {}         // NOLINT
  bool ok() const { return value_.has_value(); }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }
  Errno error() const { return error_; }

 private:
  std::optional<T> value_;
  Errno error_;
};

}  // namespace vortex::base
