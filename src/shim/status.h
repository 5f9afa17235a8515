// SPDX-License-Identifier: Apache-2.0
// The shim's error: a gRPC code and a message for humans.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace vortex::shim {

// google.rpc.Code, as ttrpc carries it.
enum class Code {
  kOk = 0,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
};

struct [[nodiscard]] Status {
  Code code = Code::kOk;
  std::string message;

  bool ok() const { return code == Code::kOk; }
};

inline Status Ok() { return {}; }
Status Error(Code code, std::string message);
// "<detail>: not found": containerd's clients strip the class when they rebuild the error, so it
// comes last.
Status NotFound(std::string_view detail);
Status FailedPrecondition(std::string_view detail);
Status AlreadyExists(std::string_view detail);
Status InvalidArgument(std::string_view detail);
// "<what>: <step>: <strerror>", code Unknown.
Status FromErrno(std::string_view what, base::Errno error);
Status FromErrno(std::string_view what, int errno_value);

}  // namespace vortex::shim
