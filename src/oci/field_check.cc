// SPDX-License-Identifier: Apache-2.0
#include "oci/field_check.h"

#include "base/status.h"
#include "base/utf8.h"

namespace vortex::oci {

absl::Status CheckText(std::string_view field, std::string_view value) {
  if (value.find('\0') != std::string_view::npos || !base::IsUtf8(value)) {
    return InvalidArgument("{}: must be UTF-8 text without NUL bytes", field);
  }
  return absl::OkStatus();
}

absl::Status CheckPath(std::string_view field, std::string_view path) {
  VX_RETURN_IF_ERROR(CheckText(field, path));
  const std::string closed = std::string(path) + "/";
  const auto has = [&](const char* part) { return closed.find(part) != std::string::npos; };
  if (!path.starts_with('/') || has("/../") || has("/./") || has("//")) {
    return InvalidArgument(
        "{}: \"{}\" is not an absolute path without \".\", \"..\", \"//\" and a last \"/\"", field,
        path);
  }
  return absl::OkStatus();
}

bool IsWithin(std::string_view path, std::string_view root) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

}  // namespace vortex::oci
