// SPDX-License-Identifier: Apache-2.0
#include "shim/runc_remains.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "base/unique_fd.h"
#include "shim/files.h"

namespace vortex::shim {
namespace {

constexpr char kStateFile[] = "state.json";
constexpr std::size_t kStateLimit = 4 << 20;

// What a state.json says of it; members that are not there say nothing, and then runc is asked.
struct Remains {
  std::vector<std::string> cgroups;
  bool rdt_known_empty = false;
  bool systemd_known_off = false;
};

Remains ReadRemains(std::string_view state) {
  Remains remains;
  base::JsonReader json(state);
  json.Object([&](std::string_view key) {
    if (key == "cgroup_paths") {
      json.Object([&](std::string_view) { remains.cgroups.push_back(json.String()); });
    } else if (key == "intel_rdt_path") {
      remains.rdt_known_empty = json.Raw() == "\"\"";
    } else if (key == "config") {
      json.Object([&](std::string_view member) {
        if (member != "cgroups") return json.Skip();
        json.Object([&](std::string_view field) {
          const std::string_view value = json.Raw();
          if (field == "Systemd") remains.systemd_known_off = value == "false";
        });
      });
    } else {
      json.Skip();
    }
  });
  return json.Finish() ? remains : Remains();
}

bool OnlyCgroups(const Remains& remains) {
  for (const std::string& path : remains.cgroups) {
    if (!path.starts_with("/sys/fs/cgroup/") || path.find("/../") != std::string::npos)
      return false;
  }
  return !remains.cgroups.empty() && remains.rdt_known_empty && remains.systemd_known_off;
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
  const Remains remains = ReadRemains(*state);
  if (!OnlyCgroups(remains)) return false;
  for (const std::string& path : remains.cgroups) {
    if (::rmdir(path.c_str()) != 0 && errno != ENOENT) return false;
  }
  return ::unlinkat(dir.get(), kStateFile, 0) == 0 && ::rmdir(state_dir.c_str()) == 0;
}

}  // namespace vortex::shim
