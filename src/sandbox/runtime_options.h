// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "client/types.h"

namespace vortex::sandbox {

// containerd.runc.v1.Options for one of our runs: the very program that was found ready; its state
// in a directory of ours, not beside those of other users of this containerd; stdio pipes that
// belong to the plugin's host user, so that it may open /dev/stdout.
//   Source  containerd runtime/v2/runc/options/oci.proto
client::Any RuncOptions(const std::string& binary, const std::string& root, std::uint32_t host_uid);

}  // namespace vortex::sandbox
