// SPDX-License-Identifier: Apache-2.0
#include "shim/egress_network.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>

#include "base/unique_fd.h"

namespace vortex::shim {
namespace {

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

bool HasEgressLink(const OciConfig& config) {
  return config.OurJob() && config.Annotation("io.vortex.egress") == "proxy";
}

Status CheckEgressNamespace(const std::string& path) {
  const auto refuse = [&](const std::string& why) {
    return FailedPrecondition("egress: the spec's network namespace \"" + path + "\" " + why);
  };
  if (path.empty()) return refuse("is not named");
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) return FromErrno("egress: open " + path, errno);
  struct statfs file_system {};
  if (::fstatfs(fd.get(), &file_system) != 0 || file_system.f_type != NSFS_MAGIC ||
      ::ioctl(fd.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
    return refuse("is no network namespace");
  }
  struct stat named {};
  struct stat own {};
  if (::fstat(fd.get(), &named) != 0 || ::stat("/proc/self/ns/net", &own) != 0)
    return refuse("cannot be compared with the host's");
  if (SameFile(named, own)) return refuse("is the host's own");
  // The shim may have been started in a namespace of its own.
  struct stat first {};
  if (::stat("/proc/1/ns/net", &first) == 0 && SameFile(named, first))
    return refuse("is the host's own");
  return Ok();
}

Status UseEgressLink(const OciConfig& config, const RuntimeDriver& driver,
                     std::vector<std::string>* flags) {
  if (!HasEgressLink(config)) return Ok();
  Status status = CheckEgressNamespace(config.network_path);
  if (!status.ok()) return status;
  if (driver.host_init) return Ok();  // joins it by itself
  if (!config.host_uid_of_root) {
    return FailedPrecondition("egress: a sentry on the host's sockets needs a user namespace");
  }
  std::replace(flags->begin(), flags->end(), std::string("--network=none"),
               std::string("--network=host"));
  return Ok();
}

bool InNamespace(const std::string& proc, const std::string& path) {
  struct stat named {};
  struct stat joined {};
  return ::stat(path.c_str(), &named) == 0 && ::stat((proc + "/ns/net").c_str(), &joined) == 0 &&
         SameFile(named, joined);
}

}  // namespace vortex::shim
