// SPDX-License-Identifier: Apache-2.0
// What the process sees as its files: by mountinfo(5), and by looking at the paths themselves
// through /proc/<pid>/root, since a later mount may hide an earlier one.
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "base/unique_fd.h"
#include "shim/files.h"
#include "shim/readback_checks.h"

namespace vortex::shim {
namespace {

// Nodes that a runtime binds from the host when it may not make them (user namespaces).
constexpr std::string_view kDefaultDevices[] = {"/dev/null", "/dev/zero",   "/dev/full",
                                                "/dev/tty",  "/dev/random", "/dev/urandom"};

struct MountRow {
  std::string point;
  std::string options;
  std::string type;
};

std::vector<MountRow> ParseMounts(std::string_view text) {
  std::vector<MountRow> rows;
  while (!text.empty()) {
    const auto fields = Split(NextLine(&text), ' ');
    if (fields.size() < 7) continue;
    MountRow row{UnescapeMountPath(fields[4]), std::string(fields[5]), ""};
    // Optional fields end with "-"; the type is next.
    for (std::size_t i = 6; i + 1 < fields.size(); ++i) {
      if (fields[i] != "-") continue;
      row.type = fields[i + 1];
      break;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// Later mounts hide earlier ones at the same point.
const MountRow* Last(const std::vector<MountRow>& rows, std::string_view point) {
  for (auto it = rows.rbegin(); it != rows.rend(); ++it) {
    if (it->point == point) return &*it;
  }
  return nullptr;
}

bool HasWord(std::string_view list, std::string_view word) {
  for (const std::string_view part : Split(list, ',')) {
    if (part == word) return true;
  }
  return false;
}

// `path` as the process sees it, whatever links its image has. `flags` as of open(2).
base::UniqueFd OpenInRoot(int root, const std::string& path, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return base::UniqueFd(
      static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

bool IsEmptyDirectory(int root, const std::string& path) {
  base::UniqueFd fd = OpenInRoot(root, path, O_RDONLY | O_DIRECTORY);
  if (!fd) return false;
  DIR* dir = ::fdopendir(fd.Release());
  if (dir == nullptr) return false;
  bool empty = true;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") empty = false;
  }
  ::closedir(dir);
  return empty;
}

bool ReadOnly(int fd) {
  struct statvfs info {};
  return ::fstatvfs(fd, &info) == 0 && (info.f_flag & ST_RDONLY) != 0;
}

void CheckFlags(bool readonly_root, const SpecControls& spec, const std::vector<MountRow>& rows,
                ControlChecker* checker) {
  bool good = true;
  const auto check = [&](const std::string& point, std::string_view flag) {
    const MountRow* row = Last(rows, point);
    if (row != nullptr && HasWord(row->options, flag)) return;
    good = false;
    checker->Missing("mount " + point, std::string(flag),
                     row == nullptr ? "not mounted" : row->options);
  };
  if (readonly_root) check("/", "ro");
  for (const SpecMount& mount : spec.mounts) {
    for (const char* flag : {"ro", "nosuid", "nodev", "noexec"}) {
      if (std::find(mount.options.begin(), mount.options.end(), flag) != mount.options.end())
        check(mount.destination, flag);
    }
  }
  if (good) checker->Good("mount flags", std::to_string(rows.size()) + " mounts");
}

// Each point shows what the spec names: that directory, or that kind of filesystem.
void CheckSources(const std::string& bundle, const SpecControls& spec,
                  const std::vector<MountRow>& rows, int root, ControlChecker* checker) {
  const auto same = [&](const std::string& source, const std::string& point) {
    struct stat wanted {};
    struct stat found {};
    const base::UniqueFd fd = OpenInRoot(root, point, O_PATH);
    return fd && ::stat(source.c_str(), &wanted) == 0 && ::fstat(fd.get(), &found) == 0 &&
           wanted.st_dev == found.st_dev && wanted.st_ino == found.st_ino;
  };
  std::string rootfs = spec.root_path;
  if (!rootfs.starts_with('/')) rootfs = bundle + "/" + rootfs;
  if (!same(rootfs, "/")) return checker->Missing("mount /", rootfs, "another directory");
  for (const SpecMount& mount : spec.mounts) {
    const std::string name = "mount " + mount.destination;
    if (mount.bind()) {
      std::string source = mount.source;
      if (!source.starts_with('/')) source = bundle + "/" + source;
      if (!same(source, mount.destination)) return checker->Missing(name, source, "something else");
    } else if (mount.type != "cgroup") {
      // cgroup is cgroup2 or a tmpfs, as the host is.
      const MountRow* row = Last(rows, mount.destination);
      const std::string type = row != nullptr ? row->type : "not mounted";
      if (type != mount.type) return checker->Missing(name, mount.type, type);
    }
  }
  checker->Good("mount sources", "those of the spec");
}

void CheckMasked(const SpecControls& spec, int root, ControlChecker* checker) {
  std::size_t covered = 0;
  for (const std::string& path : spec.masked_paths) {
    const base::UniqueFd fd = OpenInRoot(root, path, O_PATH);
    // What the kernel does not have needs no cover.
    if (!fd && (errno == ENOENT || errno == ENOTDIR)) continue;
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0)
      return checker->Missing("masked path " + path, "a cover over it",
                              FromErrno("open", errno).message);
    const bool null = S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
    const bool hollow = S_ISDIR(info.st_mode) && ReadOnly(fd.get()) && IsEmptyDirectory(root, path);
    if (!null && !hollow) return checker->Missing("masked path " + path, "a cover over it", "none");
    ++covered;
  }
  if (!spec.masked_paths.empty())
    checker->Good("masked paths", std::to_string(covered) + " that exist are covered");
}

void CheckReadOnly(const SpecControls& spec, int root, ControlChecker* checker) {
  std::size_t found = 0;
  for (const std::string& path : spec.readonly_paths) {
    const base::UniqueFd fd = OpenInRoot(root, path, O_PATH);
    if (!fd && (errno == ENOENT || errno == ENOTDIR)) continue;
    if (!fd || !ReadOnly(fd.get()))
      return checker->Missing("read-only path " + path, "read-only",
                              fd ? "writable" : FromErrno("open", errno).message);
    ++found;
  }
  if (!spec.readonly_paths.empty())
    checker->Good("read-only paths", std::to_string(found) + " that exist are read-only");
}

}  // namespace

std::string UnescapeMountPath(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string UnexpectedMount(const std::vector<std::string>& points, const SpecControls& spec) {
  std::vector<std::string> expected = {"/", "/dev/console"};
  expected.insert(expected.end(), std::begin(kDefaultDevices), std::end(kDefaultDevices));
  expected.insert(expected.end(), spec.device_paths.begin(), spec.device_paths.end());
  expected.insert(expected.end(), spec.masked_paths.begin(), spec.masked_paths.end());
  expected.insert(expected.end(), spec.readonly_paths.begin(), spec.readonly_paths.end());
  std::vector<std::string> below;
  for (const SpecMount& mount : spec.mounts) {
    expected.push_back(mount.destination);
    // The hierarchies of cgroup v1; what a recursive bind brings along.
    const bool many =
        mount.type == "cgroup" ||
        std::find(mount.options.begin(), mount.options.end(), "rbind") != mount.options.end();
    if (many) below.push_back(mount.destination + "/");
  }
  for (const std::string& point : points) {
    const auto it = std::find(expected.begin(), expected.end(), point);
    // Each one once: a second mount at the same point would hide the spec's.
    if (it != expected.end()) {
      expected.erase(it);
      continue;
    }
    const bool inside = std::any_of(below.begin(), below.end(),
                                    [&](const std::string& dir) { return point.starts_with(dir); });
    if (!inside) return point;
  }
  return "";
}

void CheckMounts(const Container& container, const SpecControls& spec, const std::string& proc,
                 ControlChecker* checker) {
  const auto rows = ParseMounts(ReadFile(proc + "/mountinfo", 4 << 20).value_or(""));
  const base::UniqueFd root(::open((proc + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return checker->Missing("mount /", "a root", FromErrno("open", errno).message);
  CheckFlags(container.config.readonly_root, spec, rows, checker);
  CheckSources(container.bundle, spec, rows, root.get(), checker);
  CheckMasked(spec, root.get(), checker);
  CheckReadOnly(spec, root.get(), checker);
  std::vector<std::string> points;
  points.reserve(rows.size());
  for (const MountRow& row : rows) points.push_back(row.point);
  const std::string extra = UnexpectedMount(points, spec);
  if (extra.empty()) return checker->Good("mounts", "none besides those of the spec");
  // Hooks of the spec (CDI) may mount, and where is their own business.
  if (spec.mounting_hooks) return checker->Unseen("mounts", extra + ", perhaps of a hook");
  checker->Missing("mount " + extra, "none besides those of the spec", "one more");
}

}  // namespace vortex::shim
