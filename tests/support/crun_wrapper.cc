// SPDX-License-Identifier: Apache-2.0
#include "support/crun_wrapper.h"

#include <unistd.h>

#include "base/files.h"
#include "base/status.h"

namespace vortex::testing {

absl::StatusOr<std::string> CrunForThisHost(const std::string& dir) {
  if (::access("/sys/fs/cgroup/unified", F_OK) != 0) return "crun";
  const std::string wrapper = dir + "/crun-v1";
  VX_RETURN_IF_ERROR(
      base::WriteFileAtomic(wrapper,
                            "#!/bin/sh\nexec unshare -m sh -c 'umount "
                            "/sys/fs/cgroup/unified; exec crun \"$@\"' crun \"$@\"\n",
                            0755));
  return wrapper;
}

}  // namespace vortex::testing
