// SPDX-License-Identifier: Apache-2.0
#include "cli/node.h"

namespace vortex::cli {

absl::StatusOr<std::shared_ptr<client::Client>> Connect(const Args& args) {
  client::ConnectOptions options;
  options.address = args.options.address;
  options.containerd_namespace = args.options.containerd_namespace;
  return client::Client::Connect(options);
}

}  // namespace vortex::cli
