// SPDX-License-Identifier: Apache-2.0
#include "shim/kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace vortex::shim {

bool TellsOfKillIn(std::string_view record, std::string_view path) {
  constexpr std::string_view kCgroup = ",task_memcg=";
  // One digit: a level of the kernel's own. What programs write has a facility on top
  // (Documentation/ABI/testing/dev-kmsg).
  if (record.size() < 2 || record[1] != ',') return false;
  if (path.size() < 2 || record.find(";oom-kill:constraint=CONSTRAINT_MEMCG,") == record.npos)
    return false;
  const std::size_t at = record.find(kCgroup);
  if (at == record.npos) return false;
  const std::string_view rest = record.substr(at + kCgroup.size());
  if (!rest.starts_with(path) || rest.size() == path.size()) return false;
  return rest[path.size()] == ',' || rest[path.size()] == '/';
}

KernelLog::KernelLog() : fd_(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (fd_) ::lseek(fd_.get(), 0, SEEK_END);
}

bool KernelLog::ToldOfKillIn(std::string_view path) {
  if (!fd_) return false;
  char record[8192];  // the longest one that the kernel gives: PRINTK_MESSAGE_MAX is 2 KiB
  while (true) {
    const ssize_t size = ::read(fd_.get(), record, sizeof record);
    if (size > 0 && TellsOfKillIn({record, static_cast<std::size_t>(size)}, path)) return true;
    // EPIPE: records were overwritten before we read them; the next read goes on behind the gap.
    if (size <= 0 && errno != EPIPE && errno != EINTR) return false;
  }
}

}  // namespace vortex::shim
