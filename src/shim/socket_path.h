// SPDX-License-Identifier: Apache-2.0
// Where a shim's socket is, and how to make it.
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "shim/status.h"

namespace vortex::shim {

inline constexpr char kSocketDir[] = "/run/containerd/s";

// <dir>/<sha256 of address/namespace/group>, as containerd's own helper computes it.
std::string SocketPath(const std::string& dir, const std::string& address,
                       const std::string& name_space, const std::string& group);

// Go's path.Clean for absolute and relative paths.
std::string CleanPath(std::string_view path);

// Binds and listens, mode 0600. `in_use`: a live shim answers there already; *listener stays empty
// then. A dead socket is replaced.
Status ListenOrFind(const std::string& path, base::UniqueFd* listener, bool* in_use);

// Whether somebody accepts on `path` within 100 ms.
bool SomebodyListens(const std::string& path);

}  // namespace vortex::shim
