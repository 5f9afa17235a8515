// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "cli/args.h"
#include "client/client.h"

namespace vortex::cli {

// A client for the containerd of the command line.
absl::StatusOr<std::shared_ptr<client::Client>> Connect(const Args& args);

// Reads the class table into args.options.
absl::Status LoadClasses(Args& args);

}  // namespace vortex::cli
