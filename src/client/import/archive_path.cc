// SPDX-License-Identifier: Apache-2.0
#include "client/import/archive_path.h"

#include <vector>

#include "base/status.h"
#include "client/import/limits.h"

namespace vortex::client::importing {
namespace {

absl::Status CheckRaw(std::string_view name, std::string_view what) {
  if (name.size() > kMaxNameBytes) {
    return InvalidArgument("{} \"{}\": {} bytes long, at most {} are allowed", what,
                           Printable(name), name.size(), kMaxNameBytes);
  }
  if (name.find('\0') != std::string_view::npos) {
    return InvalidArgument("{} \"{}\": has a NUL byte", what, Printable(name));
  }
  if (!name.empty() && name.front() == '/') {
    return InvalidArgument("{} \"{}\": is absolute; names must be relative to the archive", what,
                           Printable(name));
  }
  return absl::OkStatus();
}

std::vector<std::string_view> Split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.push_back(part);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return parts;
}

std::string Join(const std::vector<std::string_view>& parts) {
  std::string out;
  for (const std::string_view part : parts) {
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

}  // namespace

std::string Printable(std::string_view name) {
  constexpr std::size_t kShown = 120;
  std::string out(name.substr(0, kShown));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (name.size() > kShown) out += "…";
  return out;
}

absl::StatusOr<std::string> NormaliseArchivePath(std::string_view name) {
  VX_RETURN_IF_ERROR(CheckRaw(name, "name"));
  const std::vector<std::string_view> parts = Split(name);
  for (const std::string_view part : parts) {
    if (part == "..") {
      return InvalidArgument("name \"{}\": has a \"..\" component, which could leave the archive",
                             Printable(name));
    }
  }
  return Join(parts);
}

absl::StatusOr<std::string> ResolveArchiveLink(std::string_view link_path,
                                               std::string_view target) {
  VX_RETURN_IF_ERROR(CheckRaw(target, "link target"));
  std::vector<std::string_view> parts = Split(link_path);
  if (!parts.empty()) parts.pop_back();
  for (const std::string_view part : Split(target)) {
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return InvalidArgument("link \"{}\" to \"{}\": leads out of the archive",
                             Printable(link_path), Printable(target));
    } else {
      parts.pop_back();
    }
  }
  return Join(parts);
}

}  // namespace vortex::client::importing
