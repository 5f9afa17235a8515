// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace vortex::sandbox {

// Which host ids runs may use. The default lies between systemd's container range and its foreign
// range (systemd docs, UIDS-GIDS.md: 1879048192 to 2147352575 is unused), so no user, container or
// subuid of a stock system is in it.
struct IdPool {
  std::uint32_t first = 1879048192;
  std::uint32_t range_size = 65536;
  std::uint32_t ranges = 4096 - 3;
};

// A host id range that no other live run on this node has: a lock on <state>/ids/<n>. The kernel
// drops the lock with the process, so a killed client loses nothing.
class IdRange {
 public:
  // Tries ranges from a random one on. ResourceExhausted: all are taken.
  static absl::StatusOr<IdRange> Acquire(const std::string& state_dir, const IdPool& pool);

  std::uint32_t first() const { return first_; }
  std::uint32_t size() const { return size_; }

 private:
  IdRange(std::uint32_t first, std::uint32_t size, base::UniqueFd lock)
      : first_(first), size_(size), lock_(std::move(lock)) {}

  std::uint32_t first_;
  std::uint32_t size_;
  base::UniqueFd lock_;
};

}  // namespace vortex::sandbox
