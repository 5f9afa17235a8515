// SPDX-License-Identifier: Apache-2.0
#include "shim/rootfs_mounts.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"
#include "shim/files.h"
#include "shim/log.h"

namespace vortex::shim {
namespace {

struct FlagWord {
  std::string_view word;
  unsigned long flag;
  bool clear;
};

constexpr FlagWord kFlags[] = {
    {"ro", MS_RDONLY, false},
    {"rw", MS_RDONLY, true},
    {"nosuid", MS_NOSUID, false},
    {"suid", MS_NOSUID, true},
    {"nodev", MS_NODEV, false},
    {"dev", MS_NODEV, true},
    {"noexec", MS_NOEXEC, false},
    {"exec", MS_NOEXEC, true},
    {"sync", MS_SYNCHRONOUS, false},
    {"async", MS_SYNCHRONOUS, true},
    {"dirsync", MS_DIRSYNC, false},
    {"remount", MS_REMOUNT, false},
    {"mand", MS_MANDLOCK, false},
    {"nomand", MS_MANDLOCK, true},
    {"noatime", MS_NOATIME, false},
    {"atime", MS_NOATIME, true},
    {"nodiratime", MS_NODIRATIME, false},
    {"diratime", MS_NODIRATIME, true},
    {"relatime", MS_RELATIME, false},
    {"norelatime", MS_RELATIME, true},
    {"strictatime", MS_STRICTATIME, false},
    {"nostrictatime", MS_STRICTATIME, true},
    {"bind", MS_BIND, false},
    {"rbind", MS_BIND | MS_REC, false},
    {"defaults", 0, false},
};

constexpr FlagWord kPropagation[] = {
    {"private", MS_PRIVATE, false},       {"rprivate", MS_PRIVATE | MS_REC, false},
    {"shared", MS_SHARED, false},         {"rshared", MS_SHARED | MS_REC, false},
    {"slave", MS_SLAVE, false},           {"rslave", MS_SLAVE | MS_REC, false},
    {"unbindable", MS_UNBINDABLE, false}, {"runbindable", MS_UNBINDABLE | MS_REC, false},
};

// The kernel takes one page of data. Relative lower directories of overlay make it fit.
constexpr std::size_t kDataLimit = 4096 - 512;

std::string CommonParent(const std::vector<std::string_view>& paths) {
  std::string_view common = paths.front();
  common = common.substr(0, common.rfind('/'));
  for (const std::string_view path : paths) {
    while (!common.empty() && !(path.starts_with(common) && path.size() > common.size() &&
                                path[common.size()] == '/')) {
      common = common.substr(0, common.rfind('/'));
    }
  }
  return std::string(common);
}

// Rewrites lowerdir= relative to a directory that it changes to. Only in a throw-away child.
std::string ShortenOverlayData(const std::string& data) {
  const std::size_t begin = data.find("lowerdir=");
  if (begin == std::string::npos) return data;
  const std::size_t from = begin + 9;
  const std::size_t end = std::min(data.find(',', from), data.size());
  const auto lowers = Split(std::string_view(data).substr(from, end - from), ':');
  const std::string parent = CommonParent(lowers);
  if (parent.empty() || ::chdir(parent.c_str()) != 0) return data;
  std::string shortened = data.substr(0, from);
  for (std::size_t i = 0; i < lowers.size(); ++i) {
    if (i > 0) shortened += ':';
    shortened += lowers[i].substr(parent.size() + 1);
  }
  return shortened + data.substr(end);
}

// Attaches a loop device that goes away with its last user.
base::UniqueFd AttachLoop(const std::string& file, bool read_only, std::string* device) {
  const base::UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  const base::UniqueFd backing(::open(file.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
  if (!control || !backing) return base::UniqueFd();
  // Another process may take the free number first.
  for (int attempt = 0; attempt < 50; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) break;
    *device = "/dev/loop" + std::to_string(number);
    base::UniqueFd loop(::open(device->c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
    if (!loop) break;
    if (::ioctl(loop.get(), LOOP_SET_FD, backing.get()) != 0) {
      if (errno == EBUSY) continue;
      break;
    }
    loop_info64 info{};
    info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (read_only) info.lo_flags |= LO_FLAGS_READ_ONLY;
    if (::ioctl(loop.get(), LOOP_SET_STATUS64, &info) == 0) return loop;
    const int error = errno;
    ::ioctl(loop.get(), LOOP_CLR_FD, 0);
    errno = error;
    break;
  }
  return base::UniqueFd();
}

Status MountOne(const MountRequest& request, const std::string& target) {
  const auto fail = [&](const char* step) {
    return Error(Code::kUnknown, "mount " + request.type + " " + request.source + " at " + target +
                                     ": " + step + ": " + std::strerror(errno));
  };
  MountOptions options = ParseMountOptions(request.options);
  if (!options.unsupported.empty()) {
    return InvalidArgument("mount " + request.source + ": option " + options.unsupported +
                           " is not supported");
  }
  if (request.type.starts_with("fuse")) {
    return InvalidArgument("mount " + request.source + ": type " + request.type +
                           " is not supported");
  }
  std::string source = request.source;
  base::UniqueFd loop;
  if (options.loop) {
    loop = AttachLoop(request.source, (options.flags & MS_RDONLY) != 0, &source);
    if (!loop) return fail("loop device");
  }
  std::string data = options.data;
  if (request.type == "overlay" && data.size() >= kDataLimit) data = ShortenOverlayData(data);
  if (::mount(source.c_str(), target.c_str(), request.type.c_str(), options.flags,
              data.empty() ? nullptr : data.c_str()) != 0) {
    return fail("mount");
  }
  // A bind takes no other flag in its first call.
  const unsigned long bind_flags =
      options.flags & ~static_cast<unsigned long>(MS_BIND | MS_REC | MS_REMOUNT);
  if ((options.flags & MS_BIND) != 0 && bind_flags != 0 &&
      ::mount("", target.c_str(), "", options.flags | MS_REMOUNT, nullptr) != 0) {
    return fail("remount");
  }
  if (options.propagation != 0 &&
      ::mount("", target.c_str(), "", options.propagation, nullptr) != 0) {
    return fail("propagation");
  }
  return Ok();
}

// mountinfo writes space, tab, newline and backslash in octal.
std::string Unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string> MountsAt(const std::string& path) {
  std::vector<std::string> found;
  const auto text = ReadFile("/proc/self/mountinfo", 16 << 20);
  if (!text) return found;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto fields = Split(NextLine(&rest), ' ');
    if (fields.size() < 5) continue;
    std::string point = Unescape(fields[4]);
    if (point == path || point.starts_with(path + "/")) found.push_back(std::move(point));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return found;
}

}  // namespace

MountOptions ParseMountOptions(const std::vector<std::string>& options) {
  MountOptions out;
  const auto known = [&](const std::string& option) {
    for (const FlagWord& entry : kFlags) {
      if (entry.word != option) continue;
      out.flags = entry.clear ? out.flags & ~entry.flag : out.flags | entry.flag;
      return true;
    }
    for (const FlagWord& entry : kPropagation) {
      if (entry.word != option) continue;
      out.propagation |= entry.flag;
      return true;
    }
    return false;
  };
  for (const std::string& option : options) {
    if (option.empty() || known(option)) continue;
    if (option == "loop") {
      out.loop = true;
    } else if (option.starts_with("X-containerd.") || option.starts_with("uidmap=") ||
               option.starts_with("gidmap=")) {
      out.unsupported = option;
    } else {
      if (!out.data.empty()) out.data += ',';
      out.data += option;
    }
  }
  return out;
}

Status MountAll(const std::vector<MountRequest>& mounts, const std::string& rootfs) {
  ::mkdir(rootfs.c_str(), 0711);
  for (const MountRequest& request : mounts) {
    std::string target = rootfs;
    if (!request.target.empty()) {
      // The client is trusted with mounts, but a ".." in its list is a mistake that would hit the
      // host.
      if (request.target.find("..") != std::string::npos) {
        (void)UnmountAll(rootfs);
        return InvalidArgument("mount target " + request.target + " contains ..");
      }
      target += "/" + request.target;
    }
    Status status = MountOne(request, target);
    if (!status.ok()) {
      (void)UnmountAll(rootfs);
      return status;
    }
  }
  return Ok();
}

bool AnyMountAt(const std::string& path) { return !MountsAt(path).empty(); }

Status UnmountAll(const std::string& path) {
  for (const std::string& point : MountsAt(path)) {
    int error = 0;
    for (int attempt = 0; attempt < 50; ++attempt) {
      error = ::umount2(point.c_str(), UMOUNT_NOFOLLOW) == 0 ? 0 : errno;
      if (error != EBUSY) break;
      const timespec pause{0, 50'000'000};
      ::nanosleep(&pause, nullptr);
    }
    if (error == EBUSY) {
      Log(Level::kWarning, {"unmount ", point, ": busy, detached"});
      error = ::umount2(point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0 ? 0 : errno;
    }
    if (error != 0 && error != EINVAL && error != ENOENT)
      return FromErrno("unmount " + point, error);
  }
  return Ok();
}

}  // namespace vortex::shim
