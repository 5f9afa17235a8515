// SPDX-License-Identifier: Apache-2.0
#include "sandbox/denials/path_rules.h"

#include <algorithm>
#include <array>

namespace vortex::sandbox {
namespace {

constexpr std::array<std::string_view, 14> kOwnTrees = {
    "/bin",   "/dev/fd", "/dev/mqueue", "/dev/pts", "/dev/shm", "/lib", "/lib32",
    "/lib64", "/libx32", "/plugin",     "/proc",    "/sbin",    "/tmp", "/usr"};

// What the C library and CPython open without being asked to, when they start, load a library, look
// up a name, a time zone or the number of processors. A plugin that reads one of them learns as
// little as they do: the files are not there.
//   Source  glibc 2.36: elf/rtld.c, resolv/, nss/, time/tzfile.c,
//   sysdeps/unix/sysv/linux/getsysstats.c; OpenSSL 3 CONF_get1_default_config_file
constexpr std::array<std::string_view, 23> kLibraryProbes = {
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/protocols",
    "/etc/python3.11/sitecustomize.py",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
    "/run/nscd/socket",
    "/sys/devices/system/cpu",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/possible",
    "/sys/fs/cgroup/cpu.max",
    "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
    "/var/run/nscd/socket",
    "/var/tmp"};

}  // namespace

bool IsBelow(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string CleanPath(std::string_view cwd, std::string_view path) {
  std::vector<std::string_view> parts;
  const auto add = [&](std::string_view text) {
    while (!text.empty()) {
      const std::size_t slash = std::min(text.find('/'), text.size());
      const std::string_view part = text.substr(0, slash);
      text.remove_prefix(std::min(slash + 1, text.size()));
      if (part.empty() || part == ".") continue;
      if (part != "..") {
        parts.push_back(part);
      } else if (!parts.empty()) {
        parts.pop_back();
      }
    }
  };
  if (!path.starts_with('/')) add(cwd);
  add(path);
  std::string out;
  for (const std::string_view part : parts) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

bool MissingFileIsDenial(std::string_view path, const std::vector<std::string>& granted_mounts) {
  const auto below = [&](std::string_view tree) { return IsBelow(path, tree); };
  return std::none_of(kOwnTrees.begin(), kOwnTrees.end(), below) &&
         std::none_of(granted_mounts.begin(), granted_mounts.end(), below) &&
         std::find(kLibraryProbes.begin(), kLibraryProbes.end(), path) == kLibraryProbes.end();
}

bool IsDevice(std::string_view path) { return IsBelow(path, "/dev") && path != "/dev"; }

bool RefusedWriteIsDenial(std::string_view path) {
  return path.find("/__pycache__/") == std::string_view::npos && !path.ends_with("/__pycache__");
}

bool MissingProgramIsDenial(std::string_view path) {
  return !IsBelow(path, "/plugin") && !IsPluginsOwn(path);
}

bool IsPluginsOwn(std::string_view path) {
  return IsBelow(path, "/tmp") || IsBelow(path, "/dev/shm");
}

}  // namespace vortex::sandbox
