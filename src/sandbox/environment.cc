// SPDX-License-Identifier: Apache-2.0
#include "sandbox/environment.h"

#include "base/status.h"
#include "sandbox/gc.h"

namespace vortex::sandbox {

absl::StatusOr<std::shared_ptr<client::Client>> ConnectForRuns(const EmbeddedOptions& options) {
  client::ConnectOptions connect;
  connect.address = options.address;
  connect.containerd_namespace = options.containerd_namespace;
  VX_ASSIGN_OR_RETURN(auto client, client::Client::Connect(connect));
  const absl::Status created =
      client->namespaces().Create({options.containerd_namespace, {}}).status();
  if (!created.ok() && !absl::IsAlreadyExists(created)) return created;
  return client;
}

absl::StatusOr<client::Client*> Environment::Client() {
  const std::lock_guard lock(mutex_);
  if (!client_) {
    VX_ASSIGN_OR_RETURN(client_, options_.connect ? options_.connect() : ConnectForRuns(options_));
  }
  return client_.get();
}

void Environment::ReclaimStaleOnce(client::Client& client) {
  // What cannot be reclaimed now stays listed for `vortexctl gc`, which says why; it must not stop
  // a run.
  std::call_once(reclaimed_, [&] { (void)CollectRuns(client, cgroups_, options_); });
}

}  // namespace vortex::sandbox
