// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace vortex::sandbox {

// Makes a network namespace that has its loopback, up, and nothing else, and pins it at `path` (a
// new file; bind mount of nsfs). Returns a TCP socket that listens on address:port inside of it: a
// socket stays in the namespace that it was made in, whoever accepts from it. The calling thread
// stays in its own namespace. Needs CAP_SYS_ADMIN.
//   Source  network_namespaces(7), socket(2)
absl::StatusOr<base::UniqueFd> MakeEgressNamespace(const std::string& path, const char* address,
                                                   std::uint16_t port);

// Unpins; a path that is not there, or not pinned, is fine. The namespace goes with its last user.
void RemoveEgressNamespace(const std::string& path);

}  // namespace vortex::sandbox
