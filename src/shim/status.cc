// SPDX-License-Identifier: Apache-2.0
#include "shim/status.h"

#include <cstring>

namespace vortex::shim {

Status Error(Code code, std::string message) { return {code, std::move(message)}; }

Status NotFound(std::string_view detail) {
  return {Code::kNotFound, std::string(detail) + ": not found"};
}

Status FailedPrecondition(std::string_view detail) {
  return {Code::kFailedPrecondition, std::string(detail) + ": failed precondition"};
}

Status AlreadyExists(std::string_view detail) {
  return {Code::kAlreadyExists, std::string(detail) + ": already exists"};
}

Status InvalidArgument(std::string_view detail) {
  return {Code::kInvalidArgument, std::string(detail) + ": invalid argument"};
}

Status FromErrno(std::string_view what, base::Errno error) {
  return {Code::kUnknown,
          std::string(what) + ": " + error.step + ": " + std::strerror(error.value)};
}

Status FromErrno(std::string_view what, int errno_value) {
  return {Code::kUnknown, std::string(what) + ": " + std::strerror(errno_value)};
}

}  // namespace vortex::shim
