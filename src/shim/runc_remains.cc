// SPDX-License-Identifier: Apache-2.0
#include "shim/runc_remains.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/unique_fd.h"
#include "shim/files.h"

namespace vortex::shim {
namespace {

constexpr char kStateFile[] = "state.json";
constexpr std::size_t kStateLimit = 4 << 20;

bool Empty(std::string_view json) { return json == "null" || json == "[]" || json == "\"\""; }

// The cgroups of a state.json; nothing when there is more to undo than cgroups.
std::optional<std::vector<std::string>> OnlyCgroups(std::string_view state) {
  std::vector<std::string> paths;
  bool only = true;
  base::JsonReader json(state);
  json.Object([&](std::string_view key) {
    if (key == "cgroup_paths") {
      json.Object([&](std::string_view) { paths.push_back(json.String()); });
    } else if (key == "intel_rdt_path") {
      only = Empty(json.Raw()) && only;
    } else if (key == "config") {
      json.Object([&](std::string_view member) {
        if (member != "Hooks") return json.Skip();
        json.Object([&](std::string_view hook) {
          const bool poststop = hook == "poststop";
          only = (Empty(json.Raw()) || !poststop) && only;
        });
      });
    } else {
      json.Skip();
    }
  });
  for (const std::string& path : paths) {
    only = only && path.starts_with("/sys/fs/cgroup/") && path.find("/../") == std::string::npos;
  }
  if (!json.Finish() || !only || paths.empty()) return std::nullopt;
  return paths;
}

bool HoldsOnlyState(int dir) {
  const int copy = ::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(copy), ::closedir);
  if (listing == nullptr) {
    ::close(copy);
    return false;
  }
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && name != kStateFile) return false;
  }
  return true;
}

}  // namespace

bool RemoveRuncRemains(const std::string& state_dir) {
  const base::UniqueFd dir(
      ::open(state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!dir || !HoldsOnlyState(dir.get())) return false;
  const auto state = ReadFileAt(dir.get(), kStateFile, kStateLimit);
  if (!state) return false;
  const auto cgroups = OnlyCgroups(*state);
  if (!cgroups) return false;
  for (const std::string& path : *cgroups) {
    if (::rmdir(path.c_str()) != 0 && errno != ENOENT) return false;
  }
  return ::unlinkat(dir.get(), kStateFile, 0) == 0 && ::rmdir(state_dir.c_str()) == 0;
}

}  // namespace vortex::shim
