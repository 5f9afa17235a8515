// SPDX-License-Identifier: Apache-2.0
#include "client/client.h"

#include "client/connection.h"
#include "client/socket_check.h"

namespace vortex::client {

struct Client::Impl {
  Impl(ConnectOptions connect_options, std::shared_ptr<grpc::Channel> channel, std::string path)
      : options(std::move(connect_options)),
        connection(std::move(channel), path, options.containerd_namespace),
        socket_path(std::move(path)) {}

  const ConnectOptions options;
  Connection connection;
  const std::string socket_path;
  Version version{connection};
  Introspection introspection{connection};
  Namespaces namespaces{connection};
  Leases leases{connection};
  Content content{connection};
  Images images{connection};
  Diff diff{connection};
  Snapshots snapshots{connection};
  Containers containers{connection};
  Tasks tasks{connection};
  Events events{connection};
};

absl::StatusOr<std::shared_ptr<Client>> Client::Connect(const ConnectOptions& options) {
  VX_RETURN_IF_ERROR(CheckNamespace(options.containerd_namespace));
  VX_ASSIGN_OR_RETURN(const std::string path, SocketPath(options.address));
  VX_RETURN_IF_ERROR(CheckSocket(path));

  ConnectOptions kept = options;
  kept.cancel = nullptr;
  std::shared_ptr<Client> client(
      new Client(std::make_unique<Impl>(std::move(kept), OpenChannel(path), path)));
  const auto version =
      client->version().Get({.timeout = options.timeout, .cancel = options.cancel});
  if (version.ok()) return client;

  const std::string what = fmt::format("connect to containerd at {}", path);
  switch (version.status().code()) {
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnavailable:
      return Error(
          absl::StatusCode::kUnavailable,
          "{}: something listens there but does not answer as containerd does within {} ms ({})",
          what, options.timeout.count(), Message(version.status()));
    case absl::StatusCode::kUnimplemented:
      return Error(absl::StatusCode::kUnavailable, "{}: what answers there is not containerd ({})",
                   what, Message(version.status()));
    default:
      return Annotate(version.status(), what);
  }
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

absl::StatusOr<std::shared_ptr<Client>> Client::InNamespace(
    const std::string& containerd_namespace) const {
  VX_RETURN_IF_ERROR(CheckNamespace(containerd_namespace));
  ConnectOptions options = impl_->options;
  options.containerd_namespace = containerd_namespace;
  return std::shared_ptr<Client>(new Client(
      std::make_unique<Impl>(std::move(options), impl_->connection.channel(), impl_->socket_path)));
}

const ConnectOptions& Client::options() const { return impl_->options; }
Version& Client::version() { return impl_->version; }
Introspection& Client::introspection() { return impl_->introspection; }
Namespaces& Client::namespaces() { return impl_->namespaces; }
Leases& Client::leases() { return impl_->leases; }
Content& Client::content() { return impl_->content; }
Images& Client::images() { return impl_->images; }
Diff& Client::diff() { return impl_->diff; }
Snapshots& Client::snapshots() { return impl_->snapshots; }
Containers& Client::containers() { return impl_->containers; }
Tasks& Client::tasks() { return impl_->tasks; }
Events& Client::events() { return impl_->events; }

}  // namespace vortex::client
