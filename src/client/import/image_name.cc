// SPDX-License-Identifier: Apache-2.0
#include "client/import/image_name.h"

#include "base/status.h"
#include "client/import/archive_path.h"

namespace vortex::client::importing {
namespace {

bool IsHost(std::string_view part) {
  return part == "localhost" || part.find_first_of(".:") != std::string_view::npos;
}

bool HasTagOrDigest(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('/') + 1);
  return last.find_first_of(":@") != std::string_view::npos;
}

}  // namespace

bool IsFullImageName(std::string_view name) {
  const std::size_t slash = name.find('/');
  return slash != std::string_view::npos && slash > 0 && IsHost(name.substr(0, slash)) &&
         HasTagOrDigest(name) && CheckImageName(name).ok();
}

std::string NormaliseDockerName(std::string_view name) {
  std::string out(name);
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) {
    out = "docker.io/library/" + out;
  } else if (!IsHost(name.substr(0, slash))) {
    out = "docker.io/" + out;
  }
  if (!HasTagOrDigest(out)) out += ":latest";
  return out;
}

absl::Status CheckImageName(std::string_view name) {
  constexpr std::size_t kMax = 1024;
  if (name.empty()) return InvalidArgument("image name: is empty");
  if (name.size() > kMax) {
    return InvalidArgument("image name \"{}\": {} bytes long, at most {} are allowed",
                           Printable(name), name.size(), kMax);
  }
  for (const char c : name) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
      return InvalidArgument("image name \"{}\": has a blank or a control character",
                             Printable(name));
    }
  }
  return absl::OkStatus();
}

}  // namespace vortex::client::importing
