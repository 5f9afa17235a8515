// SPDX-License-Identifier: Apache-2.0
#include "cli/node.h"

#include <signal.h>

#include <future>

#include "base/status.h"
#include "sandbox/operator_files.h"

namespace vortex::cli {

absl::StatusOr<std::shared_ptr<client::Client>> Connect(const Args& args) {
  client::ConnectOptions options;
  options.address = args.options.address;
  options.containerd_namespace = args.options.containerd_namespace;
  return client::Client::Connect(options);
}

std::function<absl::StatusOr<std::shared_ptr<client::Client>>()> ConnectAhead(const Args& args) {
  // Neither this thread nor gRPC's may take the signals that are to cancel the run.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  // Never destroyed, and with it gRPC: see EndProcess in main.cc.
  static const auto& connection = *new std::shared_future(
      std::async(std::launch::async, [args] { return Connect(args); }).share());
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return [] { return connection.get(); };
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
