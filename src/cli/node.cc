// SPDX-License-Identifier: Apache-2.0
#include "cli/node.h"

#include <cerrno>

#include "base/files.h"
#include "base/status.h"

namespace vortex::cli {

absl::StatusOr<std::shared_ptr<client::Client>> Connect(const Args& args) {
  client::ConnectOptions options;
  options.address = args.options.address;
  options.containerd_namespace = args.options.containerd_namespace;
  return client::Client::Connect(options);
}

absl::Status LoadClasses(Args& args) {
  constexpr char kDefault[] = "/etc/vortex/runtime-classes.yaml";
  const std::string file = args.classes_file.empty() ? kDefault : args.classes_file;
  const auto text = base::ReadFile(file, sandbox::kMaxClassesBytes);
  if (args.classes_file.empty() && GetErrno(text.status()) == ENOENT) return absl::OkStatus();
  VX_RETURN_IF_ERROR(text.status());
  VX_ASSIGN_OR_RETURN(args.options.classes, sandbox::ParseClasses(*text, file));
  return absl::OkStatus();
}

absl::Status LoadPolicy(Args& args) {
  constexpr char kDefault[] = "/etc/vortex/policy.yaml";
  const std::string file = args.policy_file.empty() ? kDefault : args.policy_file;
  const auto text = base::ReadFile(file, policy::kMaxPolicyBytes);
  if (args.policy_file.empty() && GetErrno(text.status()) == ENOENT) return absl::OkStatus();
  if (!text.ok()) return Annotate(text.status(), "policy");
  VX_ASSIGN_OR_RETURN(args.options.policy, policy::ParsePolicy(*text, file));
  return absl::OkStatus();
}

}  // namespace vortex::cli
