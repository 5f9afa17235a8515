// SPDX-License-Identifier: Apache-2.0
// Private to the client: what can be said about an address before gRPC turns it into one word.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vortex::client {

// "/run/x.sock" from "/run/x.sock", "unix:/run/x.sock" or "unix:///run/x.sock".
//   Errors  InvalidArgument: empty, relative, of another scheme, or longer than a unix socket
//   address.
absl::StatusOr<std::string> SocketPath(const std::string& address);

// Connects once and hangs up. Errors as documented at Client::Connect.
//   Source  unix(7), connect(2).
absl::Status CheckSocket(const std::string& path);

// containerd's rule for namespaces and ids (identifiers.Validate):
// [A-Za-z0-9]+([._-][A-Za-z0-9]+)*, up to 76 characters.
absl::Status CheckNamespace(std::string_view name);

}  // namespace vortex::client
