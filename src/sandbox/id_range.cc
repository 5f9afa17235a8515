// SPDX-License-Identifier: Apache-2.0
#include "sandbox/id_range.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>

#include <cerrno>

#include "base/files.h"
#include "base/status.h"

namespace vortex::sandbox {

absl::StatusOr<IdRange> IdRange::Acquire(const std::string& state_dir, const IdPool& pool) {
  const std::string dir = state_dir + "/ids";
  VX_RETURN_IF_ERROR(base::MakeDirs(dir, 0711));
  // One file, one byte range each: no litter of lock files. Open file description locks belong to
  // this descriptor, not to the process, so many runs of one process exclude each other too
  // (fcntl(2)).
  const std::string path = dir + "/ranges.lock";
  VX_ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenFile(path, O_RDWR | O_CREAT, 0600));
  std::uint32_t start = 0;
  // Short reads do not happen at this size; a zero start would be correct, only busier.
  [[maybe_unused]] const ssize_t n = ::getrandom(&start, sizeof start, 0);
  for (std::uint32_t i = 0; i < pool.ranges; ++i) {
    const std::uint32_t slot = (start % pool.ranges + i) % pool.ranges;
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = slot;
    lock.l_len = 1;
    if (::fcntl(fd.get(), F_OFD_SETLK, &lock) == 0) {
      return IdRange(pool.first + slot * pool.range_size, pool.range_size, std::move(fd));
    }
    if (errno != EAGAIN && errno != EACCES) return ErrnoStatus(errno, fmt::format("lock {}", path));
  }
  return Error(absl::StatusCode::kResourceExhausted,
               "user namespace ids: all {} ranges of {} are in use by live runs", pool.ranges,
               pool.range_size);
}

}  // namespace vortex::sandbox
