// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "cli/args.h"
#include "client/client.h"

namespace vortex::cli {

// A client for the containerd of the command line.
absl::StatusOr<std::shared_ptr<client::Client>> Connect(const Args& args);

// Begins to connect, and returns what waits for the outcome: a run reads its policy and its bundle
// meanwhile, also one that will be refused. To be called once in a process; what it returns, by one
// thread at a time. The connection stays until the process ends.
std::function<absl::StatusOr<std::shared_ptr<client::Client>>()> ConnectAhead(const Args& args);

// Reads the class table into args.options.
absl::Status LoadClasses(Args& args);

// Reads the policy into args.options; without any file the built-in one stays, which refuses
// untrusted plugins. A file that is named must be there.
absl::Status LoadPolicy(Args& args);

}  // namespace vortex::cli
