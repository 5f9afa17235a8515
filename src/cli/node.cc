// SPDX-License-Identifier: Apache-2.0
#include "cli/node.h"

#include "base/status.h"
#include "sandbox/operator_files.h"

namespace vortex::cli {

absl::StatusOr<std::shared_ptr<client::Client>> Connect(const Args& args) {
  client::ConnectOptions options;
  options.address = args.options.address;
  options.containerd_namespace = args.options.containerd_namespace;
  return client::Client::Connect(options);
}

absl::Status LoadClasses(Args& args) {
  VX_ASSIGN_OR_RETURN(args.options.classes, sandbox::LoadClasses(args.classes_file));
  return absl::OkStatus();
}

absl::Status LoadPolicy(Args& args) {
  VX_ASSIGN_OR_RETURN(args.options.policy, sandbox::LoadPolicy(args.policy_file));
  return absl::OkStatus();
}

}  // namespace vortex::cli
