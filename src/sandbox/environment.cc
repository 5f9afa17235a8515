// SPDX-License-Identifier: Apache-2.0
#include "sandbox/environment.h"

#include "base/status.h"
#include "sandbox/gc.h"

namespace vortex::sandbox {
namespace {

absl::StatusOr<std::shared_ptr<client::Client>> Connect(const EmbeddedOptions& options) {
  if (options.connect) return options.connect();
  client::ConnectOptions connect;
  connect.address = options.address;
  connect.containerd_namespace = options.containerd_namespace;
  return client::Client::Connect(connect);
}

}  // namespace

absl::StatusOr<client::Client*> Environment::Client() {
  const std::lock_guard lock(mutex_);
  if (client_) return client_.get();
  VX_ASSIGN_OR_RETURN(auto client, Connect(options_));
  const absl::Status created =
      client->namespaces().Create({options_.containerd_namespace, {}}).status();
  if (!created.ok() && !absl::IsAlreadyExists(created)) return created;
  client_ = std::move(client);
  return client_.get();
}

void Environment::ReclaimStaleOnce(client::Client& client) {
  // What cannot be reclaimed now stays listed for `vortexctl gc`, which says why; it must not stop
  // a run.
  std::call_once(reclaimed_, [&] { (void)CollectRuns(client, cgroups_, options_); });
}

}  // namespace vortex::sandbox
